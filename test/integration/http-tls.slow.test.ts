/** The HTTP port with certificates of its own: probes, the API, clients' certificates, and new ones while it runs. */
import assert from "node:assert/strict";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { connect, type TLSSocket } from "node:tls";
import { startHttpServer } from "@turntable/process";
import { type Certificate, createCertificates, noOpenssl } from "../harness/certificates.ts";
import { startTestSubnet } from "../harness/coordinator.ts";

const skip = noOpenssl;
const loopback = { host: "127.0.0.1", port: 0 };

interface Asker {
  readonly port: number;
  /** Whom to believe. */
  readonly ca: Certificate;
  /** Shown when the server asks. */
  readonly as?: Certificate | undefined;
}

/** Over a connection of its own. */
async function ask({ port, ca, as }: Asker, path: string, json?: object) {
  const agent = new Agent({ ca: readFileSync(ca.certFile), ...pemsOf(as) });
  const { promise, resolve, reject } = Promise.withResolvers<import("node:http").IncomingMessage>();
  const method = json === undefined ? "GET" : "POST";
  const headers = { "content-type": "application/json" };
  const asked = request({ agent, host: "127.0.0.1", port, path, method, headers }, resolve);
  asked.once("error", reject);
  asked.end(json && JSON.stringify(json));
  try {
    const response = await promise;
    return { status: response.statusCode, body: await text(response) };
  } finally {
    agent.destroy();
  }
}

const pemsOf = (certificate: Certificate | undefined) =>
  certificate && {
    cert: readFileSync(certificate.certFile),
    key: readFileSync(certificate.keyFile),
  };

const createTask = "/turntable.v1.GenerationService/CreateTask";

test("probes, metrics and the API answer over TLS, and nothing in the clear", {
  skip,
}, async () => {
  using certificates = createCertificates();
  const ca = certificates.createAuthority("ours");
  const tls = ca.issue("server", "IP:127.0.0.1");
  await using subnet = await startTestSubnet({ http: { ...loopback, tls } });
  const at = { port: subnet.coordinator.httpPort, ca };
  for (const path of ["/livez", "/readyz", "/metrics"]) {
    assert.equal((await ask(at, path)).status, 200, path);
  }
  const made = await ask(at, createTask, { prompt: "a red cube" });
  assert.match(made.body, /"prompt":"a red cube"/);
  await assert.rejects(fetch(`http://127.0.0.1:${at.port}/livez`));
});

test("with an authority for clients, probes alone need no certificate, also when a session is resumed", {
  skip,
}, async () => {
  using certificates = createCertificates();
  const ca = certificates.createAuthority("ours");
  const clients = certificates.createAuthority("clients");
  const tls = { ...ca.issue("server", "IP:127.0.0.1"), clientCaFile: clients.certFile };
  await using subnet = await startTestSubnet({ http: { ...loopback, tls } });
  const stranger = { port: subnet.coordinator.httpPort, ca };
  const known = { ...stranger, as: clients.issue("client", "DNS:client") };
  assert.equal((await ask(known, "/metrics")).status, 200);
  assert.equal((await ask(known, createTask, { prompt: "a red cube" })).status, 200);
  for (const as of [undefined, ca.issue("other", "DNS:other")]) {
    const at = { ...stranger, as };
    assert.equal((await ask(at, "/livez")).status, 200);
    assert.equal((await ask(at, "/readyz")).status, 200);
    for (const path of ["/metrics", "/openapi.json", "/nowhere"]) {
      const refused = await ask(at, path);
      assert.equal(refused.status, 403, path);
      assert.match(refused.body, /a client certificate of an authority/);
    }
    assert.equal((await ask(at, createTask, { prompt: "a red cube" })).status, 403);
  }
  for (const [as, status] of [
    [undefined, 403],
    [known.as, 200],
  ] as const) {
    const at = { ...stranger, as };
    const { session } = await overSession(at, undefined);
    const resumed = await overSession(at, session);
    assert.deepEqual([resumed.isReused, resumed.status], [true, status]);
  }
});

/** Asks for the metrics over a session that may be an earlier one, and takes the session's ticket along. */
async function overSession({ port, ca, as }: Asker, earlier: Buffer | undefined) {
  const socket: TLSSocket = connect({
    ...{ host: "127.0.0.1", port, ca: readFileSync(ca.certFile), minVersion: "TLSv1.3" },
    ...pemsOf(as),
    ...(earlier === undefined ? {} : { session: earlier }),
  });
  let isReused = false;
  let session: Buffer | undefined;
  socket.once("secureConnect", () => {
    isReused = socket.isSessionReused();
  });
  socket.on("session", (ticket) => {
    session = ticket;
  });
  socket.write("GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
  const answer = await text(socket);
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]), isReused, session };
}

test("new certificates are used from the next connection on; broken ones leave the old in use", {
  skip,
}, async () => {
  using certificates = createCertificates();
  const [one, two] = [certificates.createAuthority("one"), certificates.createAuthority("two")];
  const files = one.issue("server", "IP:127.0.0.1");
  const renewed = two.issue("renewed", "IP:127.0.0.1");
  const trouble = Promise.withResolvers<unknown>();
  await using server = await startHttpServer({
    port: 0,
    routes: (app) => app.get("/", (context) => context.text("ok")),
    tls: { ...files, everyMs: 20, onTrouble: (_what, error) => trouble.resolve(error) },
  });
  const { port } = server;
  assert.equal(server.url, `https://127.0.0.1:${port}`);
  writeFileSync(files.certFile, "half a certifica");
  assert.match(String(await trouble.promise), /server\.pem, .*server\.key: no certificate and key/);
  assert.equal((await ask({ port, ca: one }, "/")).status, 200);

  copyFileSync(renewed.keyFile, files.keyFile);
  copyFileSync(renewed.certFile, files.certFile);
  while ((await ask({ port, ca: two }, "/").catch(() => undefined)) === undefined) {
    // looked at every 20 ms
  }
  await assert.rejects(ask({ port, ca: one }, "/"), { code: /CERT|SIGNATURE/ });
});
