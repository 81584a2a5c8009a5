/**
 * What it costs a coordinator that another one stands by: tasks created through the API (16 in flight), and whole
 * submissions of one miner after another (pull, submit, score without work, verdict), beside a coordinator that is alone,
 * in turns in one run. NATS is a real one on this machine that syncs every write. `npm run bench:standby`.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ready } from "@turntable/bittensor/keys";
import { connectStateLog } from "@turntable/bus/nats";
import { standBy } from "@turntable/coordinator/internal";
import { ruleSets } from "@turntable/coordinator/rules";
import { answerTasks } from "../harness/answer-tasks.ts";
import { startTestSubnet, type TestSubnet } from "../harness/coordinator.ts";
import { startNatsServer } from "../harness/nats-server.ts";

const rounds = 5;
const creates = 400;
const inFlight = 16;
/** Their assets' bytes, and how many of them a turn has. */
const submissions = [
  [100_000, 20],
  [2_000_000, 5],
] as const;

const rules = { ...ruleSets.local, cooldownMs: 0, throttleMs: 0, organicFinishMs: 0 };
const limits = { promptChars: 1024, openTasks: 100_000, submissionBytes: 128 << 20 };

await ready();
await using stack = new AsyncDisposableStack();
const nats = stack.use(await startNatsServer());
const alone = stack.use(await startTestSubnet({ rules, limits }));
const dataDir = await mkdtemp(join(tmpdir(), "turntable-bench-standby-"));
stack.defer(() => rm(dataDir, { recursive: true }));
const log = stack.use(await connectStateLog({ servers: nats.url }));
const leadership = stack.use(
  await standBy(
    { ...{ log, dataDir, name: "bench", leaseMs: 10_000, begin: false }, onEvent: () => undefined },
    new AbortController().signal,
  ),
);
const followed = stack.use(await startTestSubnet({ rules, limits, leadership }, dataDir));

await compare("a task created, 16 in flight", creates, async ({ client }) => {
  let left = creates;
  const one = async (): Promise<void> => {
    while (left-- > 0) {
      await client.create(`a red cube ${randomUUID()}`);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, one));
});
for (const [bytes, count] of submissions) {
  await compare(`a submission of ${bytes / 1_000} kB to its verdict`, count, async (subnet) => {
    const done = Promise.withResolvers<void>();
    let left: number = count;
    await using _answering = answerTasks(
      subnet,
      () => randomBytes(bytes),
      () => {
        left--;
        if (left === 0) {
          done.resolve();
        }
      },
    );
    await done.promise;
  });
}

/** Both in turns; the medians of their times, and of the ratios within each turn. */
async function compare(
  what: string,
  count: number,
  work: (subnet: TestSubnet) => Promise<void>,
): Promise<void> {
  const times = { alone: [] as number[], followed: [] as number[] };
  for (let round = 0; round <= rounds; round++) {
    const took = [];
    for (const subnet of [alone, followed]) {
      const startedAt = performance.now();
      await work(subnet);
      took.push((performance.now() - startedAt) / count);
    }
    const [first = 0, second = 0] = took;
    if (round > 0) {
      times.alone.push(first); // the first one warms up
      times.followed.push(second);
    }
  }
  const ratios = times.alone.map((time, index) => (times.followed[index] ?? 0) / time);
  console.log(
    `${what}: ${median(times.alone).toFixed(2)} ms alone, ${median(times.followed).toFixed(2)} ms with one that stands by, ` +
      `${median(ratios).toFixed(2)} times (${ratios.map((ratio) => ratio.toFixed(2)).join(", ")})`,
  );
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}
