/** A pair of coordinators loses the one that leads; `npm run test:failover` does it as often as one likes. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createLocalChain } from "@turntable/bittensor/chain";
import { keypairFromUri, ready } from "@turntable/bittensor/keys";
import { type LocalNode, startLocalNode } from "@turntable/bittensor/local-node";
import { openStore } from "@turntable/coordinator/internal";
import { mine, noPromises, work } from "../crash/actors.ts";
import { runFailovers } from "../failover/failover.ts";
import { startNatsServer } from "../harness/nats-server.ts";
import { startProcess } from "../harness/process.ts";

for (const [natsServers, loss] of [
  [1, "kill"],
  [3, "freeze"],
] as const) {
  test(`${loss}: of two coordinators over ${natsServers} NATS the other one goes on, with all that was acknowledged`, {
    timeout: 180_000,
  }, async (t) => {
    const run = await runFailovers({
      ...{ runs: 1, seed: 3, miners: 4, natsServers, leaseMs: 3_000, losses: [loss] },
      onFailover: ({ readyMs, answeredMs }) =>
        t.diagnostic(`ready after ${readyMs} ms, answered after ${answeredMs} ms`),
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
  const statusOf = async (name: string): Promise<string> => {
    const looking = startProcess("turntable-coordinator", [
      ...["status", "--data-dir", join(directory, name)],
    ]);
    assert.equal(await looking.ended, 0);
    return looking.output();
  };
  assert.match(await statusOf("first"), /^running .*\nleading as first$/m);
  assert.match(await statusOf("second"), /^standing by .* as second, first leads$/m);

  const promises = noPromises();
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

test("a fresh one is restored from a database of 200 MB, in memory that does not grow with it", {
  timeout: 180_000,
}, async (t) => {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "turntable-large-"));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const nats = stack.use(await startNatsServer());
  const start = (name: string) =>
    stack.use(
      startProcess("turntable-coordinator", [
        ...["--hotkey-uri", "//Alice", "--nats-servers", nats.url],
        ...["--rules", "local", "--data-dir", join(directory, name)],
        ...["--standby-enabled", "--standby-name", name, "--http-port", "0", "--axon-port", "0"],
      ]),
    );
  /** The most that the leader and the one that stands by had in memory, in MB, and how long the restore took. */
  const pair = async (leads: string, stands: string) => {
    const leader = start(leads);
    await leader.logged(({ msg }) => msg === "a copy of the database was stored");
    const startedAt = performance.now();
    const standby = start(stands);
    await standby.logged(({ msg }) => msg === "standing by");
    const restoredMs = Math.round(performance.now() - startedAt);
    const peaks = [await peakMegabytes(leader.pid), await peakMegabytes(standby.pid)];
    await standby.stop();
    await leader.stop();
    return { peaks, restoredMs };
  };
  const small = await pair("small-1", "small-2");
  await nats.restart({ empty: true });
  {
    using store = openStore(join(directory, "large-1"));
    // What hardly gets smaller when it is compressed: 150 MB of it go through NATS.
    for (let n = 0; n < 200; n++) {
      const prompts = randomBytes(megabyte * 0.75).toString("base64");
      store.run("INSERT INTO prompt_lists VALUES (?, 0, ?)", `list ${n}`, prompts);
    }
  }
  const large = await pair("large-1", "large-2");
  t.diagnostic(`small: ${small.peaks.join(" and ")} MB; large: ${large.peaks.join(" and ")} MB`);
  t.diagnostic(`restored and following after ${small.restoredMs} and ${large.restoredMs} ms`);
  for (const [index, peak] of large.peaks.entries()) {
    const more = peak - (small.peaks[index] ?? 0);
    // Up to 106 were seen, of parts that wait for the garbage collector; whoever held all of it would take 150 more.
    assert.ok(more < 150, `${more} MB more`);
  }
});

const megabyte = 1024 * 1024;

async function peakMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Math.round(Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024);
}
