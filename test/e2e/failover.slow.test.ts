/** A pair of coordinators loses the one that leads; `npm run test:failover` does it as often as one likes. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createLocalChain } from "@turntable/bittensor/chain";
import { keypairFromUri, ready } from "@turntable/bittensor/keys";
import { type LocalNode, startLocalNode } from "@turntable/bittensor/local-node";
import { mine, type Promises, work } from "../crash/actors.ts";
import { runFailovers } from "../failover/failover.ts";
import { startNatsServer } from "../harness/nats-server.ts";
import { startProcess } from "../harness/process.ts";

for (const natsServers of [1, 3] as const) {
  test(`of two coordinators over ${natsServers} NATS the other one goes on, with all that was acknowledged`, {
    timeout: 180_000,
  }, async (t) => {
    const run = await runFailovers({
      ...{ runs: 2, seed: 3, miners: 4, natsServers, leaseMs: 3_000, losses: ["kill", "freeze"] },
      onFailover: ({ loss, readyMs, answeredMs }) =>
        t.diagnostic(`${loss}: ready after ${readyMs} ms, answered after ${answeredMs} ms`),
    });
    assert.deepEqual(run.wrong, []);
    assert.ok(run.created > 0 && run.told > 0, `${run.created} tasks, ${run.told} verdicts`);
  });
}

const netuid = 17;

test("one that was frozen while the other took over sets no weights when it wakes", {
  timeout: 120_000,
}, async (t) => {
  await ready();
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "turntable-frozen-"));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const nats = stack.use(await startNatsServer());
  const [validator, miner] = [keypairFromUri("//Alice"), keypairFromUri("//Bob")];
  const hyperparameters = { commitRevealEnabled: false, tempo: 10, weightsRateLimit: 0 };
  const chain = stack.use(
    createLocalChain({ blockMs: 100, subnets: [{ netuid, hyperparameters }] }),
  );
  chain.register({ netuid, hotkey: validator.ss58, stakeTao: 5_000 });
  chain.register({ netuid, hotkey: miner.ss58 });
  chain.advance(20);
  const rules = join(directory, "rules.json");
  await writeFile(rules, JSON.stringify({ weights: { intervalBlocks: 1, lookMs: 50 } }));
  // Each has a node of its own, which tells whose weights came.
  const start = async (name: string) => {
    const node = stack.use(await startLocalNode({ chain }));
    const process = stack.use(
      startProcess("turntable-coordinator", [
        ...["--hotkey-uri", "//Alice", "--chain-endpoints", node.url, "--nats-servers", nats.url],
        ...["--rules", "local", "--rules-file", rules, "--data-dir", join(directory, name)],
        ...["--standby-enabled", "--standby-name", name, "--standby-lease-ms", "2000"],
        ...["--http-port", "0", "--axon-port", "0"],
      ]),
    );
    return { node, process };
  };
  const weightsBy = ({ included }: LocalNode): number =>
    included.filter(({ call }) => call.startsWith("set_")).length;
  const atLeast = async (node: LocalNode, count: number): Promise<void> => {
    while (weightsBy(node) < count) {
      await sleep(50);
    }
  };
  const first = await start("first");
  const { axon } = await first.process.logged(({ msg }) => msg === "ready");
  const second = await start("second");
  await second.process.logged(({ msg }) => msg === "standing by");

  const promises: Promises = { created: [], told: [], cancelled: [], asked: 0, scored: 0 };
  const stop = new AbortController();
  const gone = new AbortController();
  const target = { ip: "127.0.0.1", port: Number(String(axon).split(":").at(-1)) };
  const place = { target: { ...target, hotkey: validator.ss58 }, validator };
  const mining = mine(miner, place, promises, stop.signal, gone.signal);
  const working = work([nats.url], promises, stop.signal);
  await atLeast(first.node, 2);
  stop.abort();
  gone.abort();
  await Promise.all([mining, working]);

  first.process.signal("SIGSTOP");
  const before = weightsBy(first.node);
  await second.process.logged(({ msg }) => msg === "ready");
  await atLeast(second.node, 2);
  const wokenAt = performance.now();
  first.process.signal("SIGCONT");
  assert.equal(await first.process.ended, 1, "it ends, to be started again");
  assert.equal(weightsBy(first.node), before);
  assert.match(first.process.output(), /another coordinator/);
  t.diagnostic(`it ended after ${Math.round(performance.now() - wokenAt)} ms`);
  t.diagnostic(`${before} weights before, ${weightsBy(second.node)} by the second`);
  await atLeast(second.node, weightsBy(second.node) + 1);
});
