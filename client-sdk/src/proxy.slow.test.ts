/** Variables of a company's proxy, and what they may change. In processes of their own: grpc-js reads the real ones. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { startService } from "../test/service.ts";

/** Asks for the tasks and writes what that failed with. */
const program = `
  const [client, options] = process.argv.slice(1);
  const { createTurntableClient } = await import(client);
  using sdk = createTurntableClient({ ...JSON.parse(options), timeoutMs: 3000 });
  try {
    await sdk.list();
  } catch (error) {
    process.stderr.write(String(error));
  }
`;

/** @returns what the proxy was asked for, and how the command ended */
async function tasksThroughProxy(options: { readonly address: string; readonly proxy?: boolean }) {
  const asked: string[] = [];
  const proxy = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", (bytes) => {
      asked.push(bytes.toString("latin1").split("\r\n")[0] ?? "");
      socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
    });
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const address = proxy.address();
  if (address === null || typeof address === "string") {
    throw new Error("no port");
  }
  const url = `http://127.0.0.1:${address.port}`;
  const client = new URL("client.ts", import.meta.url).href;
  const argv = ["--input-type=module", "--eval", program, client, JSON.stringify(options)];
  const child = spawn(process.execPath, argv, {
    env: { http_proxy: url, https_proxy: url },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk;
  });
  await once(child, "close");
  proxy.close();
  return { asked, stderr };
}

test("calls to this machine go through no proxy, even when one is asked for", async (t) => {
  const service = await startService(t, {});
  for (const proxy of [false, true]) {
    const { asked, stderr } = await tasksThroughProxy({ address: service.address, proxy });
    assert.deepEqual(asked, []);
    assert.match(stderr, /this test has no such answer/);
  }
});

test("calls to others go through a proxy only when it is asked for, and a failure names a cause", async () => {
  // This address is one of TEST-NET-1 (RFC 5737), which lead nowhere.
  const far = { address: "192.0.2.1:50051" };
  const direct = await tasksThroughProxy(far);
  assert.deepEqual(direct.asked, []);
  const proxied = await tasksThroughProxy({ ...far, proxy: true });
  assert.equal(proxied.asked[0], "CONNECT 192.0.2.1:50051 HTTP/1.1");
  for (const { stderr } of [direct, proxied]) {
    assert.match(stderr, /CallFailedError|deadline/);
    assert.doesNotMatch(stderr, /undefined|null/);
  }
});
