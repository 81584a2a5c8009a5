/**
 * What a worker outage costs: a new submission, its way into the queue, and a look with nothing new, while 10,000 others
 * wait for their verdict, against 100. In turns, on a real database and the queue of one process.
 * `npm run bench:backlog`; exits with 1 above the bar.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keypairFromUri, ready } from "@turntable/bittensor/keys";
import { createInProcessQueue } from "@turntable/bus/in-process";
import {
  createMiners,
  createReports,
  createSubmissions,
  createTasks,
  openAssetFiles,
  openStore,
  startDispatch,
} from "@turntable/coordinator/internal";
import { ruleSets } from "@turntable/coordinator/rules";

const mostSlowdown = 1.5;
const rounds = 200;
const rules = ruleSets.seed;

interface Backlog extends AsyncDisposable {
  readonly waiting: number;
  readonly timesMs: Record<"receive" | "queue" | "look", number[]>;
  /** Hands one more in and queues it. */
  submit(): Promise<void>;
  /** Looks for work when there is none. */
  look(): Promise<void>;
}

async function open(waiting: number): Promise<Backlog> {
  await using stack = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), "turntable-backlog-"));
  stack.defer(() => rmSync(directory, { recursive: true }));
  const store = stack.use(openStore(directory));
  const assets = await openAssetFiles(join(directory, "assets"));
  const miners = createMiners(store, rules);
  const tasks = stack.use(createTasks({ store, maxOpenTasks: 1, ...rules }));
  const reports = createReports(store, keypairFromUri("//Validator"));
  const submissions = createSubmissions({ store, assets, tasks, miners, reports, rules });
  const { queue } = createInProcessQueue();
  const unexpected = (what: unknown): never => {
    throw new Error(`not expected: ${String(what)}`);
  };
  const dispatch = stack.use(
    startDispatch({
      queue,
      pending: [submissions.pending],
      stillPending: submissions.stillPending,
      job: submissions.job,
      markDispatched: submissions.markDispatched,
      fail: unexpected,
      onResult: unexpected,
      onTrouble: (what, error) => unexpected(`${what}: ${String(error)}`),
      onMended: () => undefined,
      now: Date.now,
    }),
  );
  let count = 0;
  const receive = async (): Promise<void> => {
    const hotkey = `miner ${count++}`;
    await submissions.receive(
      {
        assignment: tasks.assignSynthetic("a red cube", hotkey, Date.now()),
        ...{ validator: "an axon", bytes: Buffer.from(hotkey), format: "ply", formatVersion: 0 },
        ...{ compression: 0, submitTime: 1n, signature: new Uint8Array(64), protocolYear: "2025" },
      },
      Date.now(),
    );
  };
  while (count < waiting) {
    await receive();
  }
  await dispatch.check();
  const timesMs: Backlog["timesMs"] = { receive: [], queue: [], look: [] };
  const measure = async (what: keyof typeof timesMs, work: () => Promise<void>): Promise<void> => {
    const startedAt = performance.now();
    await work();
    timesMs[what].push(performance.now() - startedAt);
  };
  const running = stack.move();
  return {
    waiting,
    timesMs,
    async submit() {
      await measure("receive", receive);
      await measure("queue", dispatch.check);
    },
    look: () => measure("look", dispatch.check),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

await ready();
await using few = await open(100);
await using many = await open(10_000);
for (let round = 0; round < rounds; round++) {
  for (const backlog of round % 2 === 0 ? [few, many] : [many, few]) {
    await backlog.submit();
    await backlog.look();
  }
}
for (const what of ["receive", "queue", "look"] as const) {
  const [small, large] = [median(few.timesMs[what]), median(many.timesMs[what])];
  const ratio = large / small;
  console.log(
    `${what.padEnd(8)} p50 ${small.toFixed(3)} ms with ${few.waiting} waiting, ${large.toFixed(3)} ms with ${many.waiting}: ${ratio.toFixed(2)} times (at most ${mostSlowdown})`,
  );
  if (ratio > mostSlowdown) {
    process.exitCode = 1;
  }
}
