/** TLS and mutual TLS, with certificates that openssl made. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { watchCertificates } from "@turntable/process";
import { GenerationService } from "@turntable/proto";
import { createServiceClient } from "@turntable/proto/grpc";
import { openApi } from "../../test/api.ts";

const skip = spawnSync("openssl", ["version"]).status === 0 ? false : "there is no openssl";

/** A folder with authorities and what they signed, by name: `a.pem` and `a.key` for 127.0.0.1. */
function openFolder() {
  const directory = mkdtempSync(join(tmpdir(), "turntable-tls-"));
  const at = (name: string): string => join(directory, name);
  const openssl = (...args: string[]) =>
    execFileSync("openssl", args, { cwd: directory, stdio: "pipe" });
  const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  return {
    at,
    read: (name: string) => readFileSync(at(name)),
    authority(name: string): void {
      openssl(
        ...["req", "-x509", ...ec, "-days", "2", "-subj", `/CN=${name}`],
        ...["-keyout", `${name}.key`, "-out", `${name}.pem`],
      );
    },
    signed(name: string, by: string): void {
      openssl("req", ...ec, "-subj", `/CN=${name}`, "-keyout", `${name}.key`, "-out", "csr");
      writeFileSync(at("ext"), "subjectAltName=IP:127.0.0.1");
      openssl(
        ...["x509", "-req", "-in", "csr", "-CA", `${by}.pem`, "-CAkey", `${by}.key`],
        ...["-CAcreateserial", "-days", "2", "-extfile", "ext", "-out", `${name}.pem`],
      );
    },
    use(name: string): void {
      copyFileSync(at(`${name}.key`), at("server.key"));
      copyFileSync(at(`${name}.pem`), at("server.pem"));
    },
    [Symbol.dispose]: () => rmSync(directory, { recursive: true }),
  };
}

/** Lists tasks over a new connection that believes this authority. */
async function list(port: number, ...tls: Parameters<typeof credentials.createSsl>) {
  const channel = new Client(`127.0.0.1:${port}`, credentials.createSsl(...tls));
  try {
    const options = { metadata: new Metadata(), deadline: new Date(Date.now() + 3_000) };
    return await createServiceClient(GenerationService, channel).listTasks({}, options);
  } finally {
    channel.close();
  }
}

test("certificates are read again when they change, and broken ones leave the old in use", {
  skip,
}, async () => {
  using folder = openFolder();
  for (const name of ["one", "two"]) {
    folder.authority(`ca-${name}`);
    folder.signed(name, `ca-${name}`);
  }
  folder.use("one");
  const troubles: unknown[] = [];
  const trouble = Promise.withResolvers<void>();
  const files = { certFile: folder.at("server.pem"), keyFile: folder.at("server.key") };
  await using opened = await openApi({
    tls: files,
    onTrouble(_what, error) {
      troubles.push(error);
      trouble.resolve();
    },
    certificatesEveryMs: 20,
  });
  const { port } = opened.api;
  assert.deepEqual((await list(port, folder.read("ca-one.pem"))).tasks, []);
  await assert.rejects(list(port, folder.read("ca-two.pem")));

  writeFileSync(folder.at("server.pem"), "half a certifica");
  await trouble.promise;
  assert.match(String(troubles[0]), /server\.pem, .*server\.key: no certificate and key that fit/);
  await list(port, folder.read("ca-one.pem"));

  folder.use("two");
  for (;;) {
    const seen = await list(port, folder.read("ca-two.pem")).catch(() => undefined);
    if (seen !== undefined) {
      break;
    }
  }
  await assert.rejects(list(port, folder.read("ca-one.pem")));
});

test("with an authority for clients, nobody without its certificate gets in", {
  skip,
}, async () => {
  using folder = openFolder();
  folder.authority("ca");
  folder.signed("server", "ca");
  folder.authority("ca-clients");
  folder.signed("client", "ca-clients");
  await using opened = await openApi({
    tls: {
      certFile: folder.at("server.pem"),
      keyFile: folder.at("server.key"),
      clientCaFile: folder.at("ca-clients.pem"),
    },
    onTrouble: assert.fail,
  });
  const { port } = opened.api;
  const root = folder.read("ca.pem");
  await assert.rejects(list(port, root));
  await assert.rejects(list(port, root, folder.read("server.key"), folder.read("server.pem")));
  await list(port, root, folder.read("client.key"), folder.read("client.pem"));
});

test("files that cannot be used are named at the start", { skip }, async () => {
  using folder = openFolder();
  folder.authority("ca");
  folder.signed("one", "ca");
  folder.signed("two", "ca");
  const options = { onTrouble: assert.fail };
  const [certFile, keyFile] = [folder.at("one.pem"), folder.at("two.key")];
  await assert.rejects(watchCertificates({ certFile, keyFile }, options), /one\.pem, .*two\.key/);
  const none = folder.at("none.pem");
  await assert.rejects(watchCertificates({ certFile: none, keyFile }, options), /none\.pem/);
});
