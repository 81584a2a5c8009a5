/** What AdminService answers from, on the same rules and memory as the API of a test. */
import { create } from "@bufbuild/protobuf";
import { createLocalChain } from "@turntable/bittensor/chain";
import { isSs58 } from "@turntable/bittensor/keys";
import { createInProcessQueue } from "@turntable/bus/in-process";
import { FaultCause, RenderScoreJobSchema } from "@turntable/proto";
import type { AdminOptions } from "../src/api/index.ts";
import { createIntake } from "../src/intake.ts";
import type { ApiKeys } from "../src/keys/index.ts";
import { historyOf, minersAfter } from "../src/miners/index.ts";
import { takeStatus } from "../src/status/index.ts";
import { planWeights, readAttempts } from "../src/weights/index.ts";
import { createWorkers } from "../src/workers.ts";
import { type openRules, rules, validator } from "./rules.ts";

const netuid = 17;
/** The job of the one dead letter that there is. */
export const deadJob = "job-1";
/** The one worker that is connected, which has no result. */
export const idleWorker = "w-1";
/** A worker that is quarantined, and not connected. */
export const driftingWorker = "w-2";

/** Disposed with the stack. */
export function openAdmin(
  stack: AsyncDisposableStack,
  { store, tasks, miners, submissions }: Awaited<ReturnType<typeof openRules>>,
  keys: ApiKeys,
  now: () => number,
): AdminOptions {
  const chain = stack.use(createLocalChain({ subnets: [{ netuid }] }));
  const hotkey = validator.ss58;
  chain.register({ netuid, hotkey, stakeTao: 10_000 });
  const workers = createWorkers();
  const sources = {
    ...{ rules: rules.name, leads: undefined, notReady: () => undefined, validators: () => [] },
    queueDepth: async () => ({ organic: 0, scoring: 0, synthetic: 0 }),
    deadLetters: async () => 0,
    ...{ workers: workers.count, openTasks: tasks.countOpen, standingOf: miners.get },
    miners: () => new Set<string>(),
  };
  const { queue, source } = createInProcessQueue();
  stack.use(queue);
  const worker = stack.use(source(idleWorker));
  const ended = new AbortController();
  stack.defer(() => ended.abort());
  void worker.take(ended.signal); // it loads until it has asked for a job
  const job = create(RenderScoreJobSchema, { jobId: deadJob, prompt: "a cup" });
  const letter = {
    ...{ job, reason: "it killed workers", cause: FaultCause.UNSPECIFIED },
    ...{ attempts: 3, at: new Date(1_000) },
  };
  return {
    status: () => takeStatus(sources, 0, now()),
    countPending: submissions.countPending,
    intake: createIntake({
      limits: { pendingSubmissions: 100 },
      space: { lack: () => undefined },
      countPending: submissions.countPending,
      onRefusal: () => {},
    }),
    miners: {
      after: (after, limit) => minersAfter(store, after, limit),
      get: miners.get,
      verdicts: (miner, limit, before) => historyOf(store, miner, limit, before),
      isRegistered: () => true,
      isHotkey: isSs58,
    },
    workers: workers.list,
    fleet: {
      list: queue.workers,
      setDraining: queue.setDraining,
    },
    quarantine: {
      list: () => [{ worker: driftingWorker, at: 2_000, reason: "it drifts" }],
      release: (workerId) => workerId === driftingWorker,
    },
    tasks,
    submissionOf: submissions.get,
    validatorHotkey: hotkey,
    deadLetters: { list: async () => [letter], replay: async (jobId) => jobId === deadJob },
    weights: {
      async plan(on = netuid) {
        if (on !== netuid) {
          return undefined;
        }
        const [metagraph, hyperparameters] = await Promise.all([
          chain.metagraph(netuid),
          chain.hyperparameters(netuid),
        ]);
        const plan = planWeights({ hotkey, metagraph, hyperparameters, rules, rewards: new Map() });
        const hotkeys = new Map(metagraph.neurons.map((neuron) => [neuron.uid, neuron.hotkey]));
        return { ...plan, netuid, hotkey, block: metagraph.block, hotkeys };
      },
      attempts: (on = netuid, limit, before) =>
        on === netuid ? readAttempts(store).latest(netuid, hotkey, limit, before) : undefined,
    },
    prompts: () => ["a red cube"],
    ...{ keys, now },
  };
}
