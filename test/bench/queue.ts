/**
 * Job round trips through our JobQueue over NATS against the bare client doing the same steps, publish a job, fetch
 * it, ack it, publish its result, with the same payload and concurrency on the same server (every write synced to
 * disk), in alternating rounds of one run. Exits with 1 below the bar.
 *
 * Both have one connection for the coordinator and one for the worker. Ours does more in its round trip: message ids
 * against doubles, keep-alive, organic before synthetic; and the coordinator takes and acks every result, which the
 * bare client leaves in its stream. A second row lets the bare client do that, too.
 */
import { AckPolicy, jetstream, jetstreamManager, RetentionPolicy } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { connectJobQueue, connectJobSource } from "@turntable/bus/nats";
import { JobClass } from "@turntable/proto";
import { bytes, mustTake, resultOf, testJob } from "../contract/job-queue-tools.ts";
import { type NatsServer, startNatsServer } from "../harness/nats-server.ts";

/** design.md, section 7 */
const bar = 0.8;
const concurrency = 16;
const payloadBytes = 1024;
/** About that of our test result, encoded. */
const resultBytes = 60;
/** Many short rounds: what else the machine does hits all alike. */
const rounds = 100;
const jobsPerRound = 100;
const warmUpJobs = 3_000;
const largeBytes = 5 * 1024 * 1024;
const largeJobs = 60;
const largeConcurrency = 4;
const patience = AbortSignal.timeout(600_000);
/** Under `largeBytes`, so that the asset goes to the object store. */
const smallMaxPayloadBytes = 1024 * 1024;

interface Contender {
  /** One job: publish, fetch, ack, publish. */
  trip(): Promise<void>;
  /** Waits until the coordinator has had the results of all trips so far, if it takes them. */
  settled(): Promise<void>;
}

const kinds = ["bare", "ours", "oursSynthetic", "bareConsumed"] as const;
type Kind = (typeof kinds)[number];

async function main(): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const asset = bytes(payloadBytes, 1);
  // A server each: what one leaves in its streams must not slow the other.
  const server = async () => stack.use(await startNatsServer());
  const contenders: Record<Kind, Contender> = {
    bare: await openBare(stack, await server(), false),
    bareConsumed: await openBare(stack, await server(), true),
    ours: await openOurs(stack, await server(), asset, JobClass.ORGANIC),
    oursSynthetic: await openOurs(stack, await server(), asset, JobClass.SYNTHETIC),
  };
  for (const kind of kinds) {
    await run(contenders[kind], warmUpJobs, concurrency);
  }
  const rates: Record<Kind, number>[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const ofRound: Record<Kind, number> = { bare: 0, bareConsumed: 0, ours: 0, oursSynthetic: 0 };
    for (let i = 0; i < kinds.length; i += 1) {
      const kind = kinds[(round + i) % kinds.length] ?? "bare";
      ofRound[kind] = await run(contenders[kind], jobsPerRound, concurrency);
    }
    rates.push(ofRound);
  }
  const rate = (kind: Kind) => median(rates.map((ofRound) => ofRound[kind]));
  const ratio = (a: Kind, b: Kind) => median(rates.map((ofRound) => ofRound[a] / ofRound[b]));
  const result = ratio("ours", "bare");
  console.table({
    "bare client": row(rate("bare"), 1),
    "our JobQueue": row(rate("ours"), result),
    "our JobQueue, synthetic jobs": row(rate("oursSynthetic"), ratio("oursSynthetic", "bare")),
    "bare client, results consumed": row(rate("bareConsumed"), ratio("bareConsumed", "bare")),
  });
  console.log(
    `our JobQueue: ${result.toFixed(2)} of the bare client's rate (median of ${rounds} rounds; the bar is ${bar})`,
  );
  const small = stack.use(await startNatsServer({ maxPayloadBytes: smallMaxPayloadBytes }));
  console.table({
    "5 MB inline": row(await largeRate(await server())),
    "5 MB through the object store": row(await largeRate(small)),
  });
  if (!(result >= bar)) {
    process.exitCode = 1;
  }
}

function row(jobsPerSecond: number, ofBare?: number): Record<string, string> {
  return {
    "jobs/s": jobsPerSecond.toFixed(jobsPerSecond < 100 ? 1 : 0),
    ...(ofBare === undefined ? {} : { "of bare": ofBare.toFixed(2) }),
  };
}

/** Jobs a second. */
async function run(contender: Contender, count: number, lanes: number): Promise<number> {
  let left = count;
  const since = performance.now();
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      while (left > 0) {
        left -= 1;
        await contender.trip();
      }
    }),
  );
  await contender.settled();
  return (count / (performance.now() - since)) * 1000;
}

async function openOurs(
  stack: AsyncDisposableStack,
  { url: servers }: NatsServer,
  asset: Uint8Array,
  jobClass: JobClass,
): Promise<Contender> {
  const queue = stack.use(await connectJobQueue({ servers }));
  const source = stack.use(await connectJobSource({ servers, workerId: "bench" }));
  const results = createCountdown();
  void (async () => {
    for await (const delivery of queue.results()) {
      await delivery.ack();
      results.arrived();
    }
  })();
  let jobs = 0;
  return {
    async trip() {
      jobs += 1;
      results.expected();
      await queue.submit(testJob(`j${jobs}`, { asset, class: jobClass }));
      const taken = await mustTake(source.take(patience));
      if (asset.length >= largeBytes) {
        await taken.fetchAsset();
      }
      await taken.complete(resultOf(taken));
    },
    settled: results.settled,
  };
}

async function openBare(
  stack: AsyncDisposableStack,
  { url: servers }: NatsServer,
  consumesResults: boolean,
): Promise<Contender> {
  const coordinator = await connect({ servers, noAsyncTraces: true });
  const worker = await connect({ servers, noAsyncTraces: true });
  stack.defer(() => coordinator.close());
  stack.defer(() => worker.close());
  const manager = await jetstreamManager(coordinator);
  const retention = RetentionPolicy.Workqueue;
  await manager.streams.add({ name: "BARE_JOBS", subjects: ["bare.job"], retention });
  await manager.consumers.add("BARE_JOBS", { durable_name: "w", ack_policy: AckPolicy.Explicit });
  await manager.streams.add({ name: "BARE_RESULTS", subjects: ["bare.result"] });
  const fromCoordinator = jetstream(coordinator);
  const fromWorker = jetstream(worker);
  const jobs = await fromWorker.consumers.get("BARE_JOBS", "w");
  const results = createCountdown();
  if (consumesResults) {
    await manager.consumers.add("BARE_RESULTS", {
      durable_name: "c",
      ack_policy: AckPolicy.Explicit,
      max_ack_pending: -1,
    });
    const consumer = await fromCoordinator.consumers.get("BARE_RESULTS", "c");
    await consumer.consume({
      callback(message) {
        message.ack();
        results.arrived();
      },
    });
  }
  const job = bytes(payloadBytes, 1);
  const result = bytes(resultBytes, 1);
  return {
    async trip() {
      if (consumesResults) {
        results.expected();
      }
      await fromCoordinator.publish("bare.job", job);
      for await (const message of await jobs.fetch({ max_messages: 1 })) {
        message.ack();
      }
      await fromWorker.publish("bare.result", result);
    },
    settled: results.settled,
  };
}

interface Countdown {
  expected(): void;
  arrived(): void;
  settled(): Promise<void>;
}

function createCountdown(): Countdown {
  let open = 0;
  let none = Promise.withResolvers<void>();
  return {
    expected() {
      open += 1;
    },
    arrived() {
      open -= 1;
      none.resolve();
      none = Promise.withResolvers();
    },
    async settled() {
      while (open > 0) {
        await none.promise;
      }
    },
  };
}

/** Jobs a second with assets of 5 MB, written, read and taken out again. */
async function largeRate(server: NatsServer): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const ours = await openOurs(stack, server, bytes(largeBytes, 1), JobClass.ORGANIC);
  await run(ours, largeConcurrency, largeConcurrency);
  return await run(ours, largeJobs, largeConcurrency);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

await main();
