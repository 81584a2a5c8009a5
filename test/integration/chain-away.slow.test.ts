/** A coordinator whose chain endpoint does not let it in: it says so, in its log and to probes, and waits. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createLocalChain } from "@turntable/bittensor/chain";
import { keypairFromUri, ready } from "@turntable/bittensor/keys";
import { startLocalNode } from "@turntable/bittensor/local-node";
import { startNatsServer } from "../harness/nats-server.ts";
import { startProcess } from "../harness/process.ts";

await ready();

const netuid = 17;

/** Answers every connection with HTTP 429 until it is told to hand them on to a node. */
async function startGate(nodeUrl: string) {
  let isOpen = false;
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    if (!isOpen) {
      socket.once("data", () =>
        socket.end("HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n"),
      );
      return;
    }
    const { hostname, port } = new URL(nodeUrl);
    const node = connect(Number(port), hostname);
    node.on("error", () => socket.destroy());
    socket.pipe(node).pipe(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return {
    url: `ws://127.0.0.1:${address.port}`,
    open() {
      isOpen = true;
    },
    [Symbol.dispose]: () => void server.close(),
  };
}

test("a coordinator waits for a chain that answers HTTP 429, says so, and starts when it may", async () => {
  const directory = await mkdtemp(join(tmpdir(), "turntable-chain-away-"));
  try {
    await using nats = await startNatsServer();
    await using chain = createLocalChain({ blockMs: 100, subnets: [{ netuid }] });
    chain.register({ netuid, hotkey: keypairFromUri("//Alice").ss58, stakeTao: 5000 });
    await using node = await startLocalNode({ chain });
    using gate = await startGate(node.url);
    await using coordinator = startProcess("turntable-coordinator", [
      ...["--hotkey-uri", "//Alice", "--chain-endpoints", gate.url, "--prompts-synthetic=false"],
      ...["--data-dir", directory, "--nats-servers", nats.url],
      ...["--grpc-port", "0", "--axon-port", "0", "--http-port", "0"],
    ]);
    const { http } = await coordinator.logged(({ msg }) => msg === "starting");
    const away = await coordinator.logged(({ msg }) => msg === "the chain is away");
    assert.match(String(away.reason), /^HTTP 429 Too Many Requests at the handshake/);
    assert.ok(Number(away.retry_in_ms) >= 2_500, "a rate limit is not met at once again");
    const readiness = await fetch(`http://${http}/readyz`);
    assert.equal(readiness.status, 503);
    assert.match(await readiness.text(), /^waiting for the chain: ws:.*: HTTP 429/);
    assert.match(
      await (await fetch(new URL("/metrics", readiness.url))).text(),
      /^turntable_ready\{.*\} 0$/m,
    );
    assert.equal((await fetch(`http://${http}/livez`)).status, 200);

    gate.open();
    const { http: own } = await coordinator.logged(({ msg }) => msg === "ready");
    assert.equal((await fetch(`http://${own}/readyz`)).status, 200);
    node.cut();
    await coordinator.logged(({ msg, reason }) => {
      return msg === "the chain is away" && !String(reason).includes("429");
    });
    assert.equal(await coordinator.stop(), 0);
    for (const line of coordinator.output().trim().split("\n")) {
      assert.doesNotThrow(() => JSON.parse(line), line);
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
