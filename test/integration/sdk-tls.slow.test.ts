/** The SDK and its command against a server that asks for certificates. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { CallFailedError, createTurntableClient, InvalidOptionError } from "@turntable/client";
import { GenerationService } from "@turntable/proto";
import { implement, serviceDefinition } from "@turntable/proto/grpc";
import { createCertificates, noOpenssl } from "../harness/certificates.ts";

const run = promisify(execFile);
const command = join(import.meta.dirname, "../../client-sdk/bin/turntable");

test("a client shows its certificate where a server asks for it", {
  skip: noOpenssl,
}, async (t) => {
  using certificates = createCertificates();
  const authority = certificates.createAuthority("ours");
  const server = authority.issue("server", "IP:127.0.0.1");
  const client = authority.issue("client", "DNS:client");
  const stranger = certificates.createAuthority("others").issue("stranger", "DNS:client");
  const address = await startServer(t, authority.certFile, server);

  const rootCertificates = readFileSync(authority.certFile);
  const connect = (certificate?: typeof client) =>
    createTurntableClient({
      address,
      retry: { patienceMs: 0 },
      tls: {
        rootCertificates,
        client: certificate && {
          privateKey: readFileSync(certificate.keyFile),
          certificateChain: readFileSync(certificate.certFile),
        },
      },
    });
  using known = connect(client);
  assert.deepEqual((await known.list()).tasks, []);
  for (const certificate of [undefined, stranger]) {
    using other = connect(certificate);
    await assert.rejects(other.list(), CallFailedError);
  }
  assert.throws(
    () =>
      createTurntableClient({
        address,
        tls: { client: { privateKey: "no key", certificateChain: "none" } },
      }),
    InvalidOptionError,
  );

  const tls = ["--tls-ca", authority.certFile, "--tls-cert", client.certFile];
  const { stdout } = await run(command, [
    ...["tasks", "--server", address, "--json", ...tls, "--tls-key", client.keyFile],
  ]);
  assert.equal(stdout, "{}\n");
  await assert.rejects(run(command, ["tasks", "--server", address, ...tls]), {
    code: 2,
    stderr: "turntable: --tls-cert and --tls-key go together: the certificate and its key\n",
  });
});

async function startServer(
  t: { after(work: () => void): void },
  authority: string,
  { certFile, keyFile }: { readonly certFile: string; readonly keyFile: string },
): Promise<string> {
  const server = new Server();
  t.after(() => server.forceShutdown());
  // Only this one is called.
  const handlers = { listTasks: async () => ({}) };
  const refuse = async () => assert.fail("nobody calls it");
  const all = GenerationService.methods.map(({ localName }) => [localName, refuse]);
  server.addService(
    serviceDefinition(GenerationService),
    implement(GenerationService, { ...Object.fromEntries(all), ...handlers }),
  );
  const pair = { private_key: readFileSync(keyFile), cert_chain: readFileSync(certFile) };
  const credentials = ServerCredentials.createSsl(readFileSync(authority), [pair], true);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", credentials, (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return `127.0.0.1:${port}`;
}
