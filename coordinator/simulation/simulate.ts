/**
 * Miners against the coordinator's own rules: tasks, submissions, verdicts, records and weights as in the process, on a
 * store in memory and a clock that is driven. Played are the miners, the clients and what workers find; reports are not
 * signed, and nothing listens.
 */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Neuron } from "@turntable/bittensor/chain";
import { RenderScoreResultSchema, ScoreReportSchema } from "@turntable/proto";
import { createRandom } from "@turntable/splat/test";
import { createMinerProtocol } from "../src/axon/index.ts";
import { createMiners } from "../src/miners/index.ts";
import type { RuleSet } from "../src/rules/index.ts";
import { type AssetFiles, openStoreInMemory } from "../src/store/index.ts";
import { createSubmissions } from "../src/submissions/index.ts";
import { createTasks } from "../src/tasks/index.ts";
import { weightsNow } from "../src/weights/index.ts";
import { createAgenda } from "./agenda.ts";
import type { Group, Population } from "./population.ts";
import { createWorkshop, type Work } from "./work.ts";

export interface SimulateOptions {
  readonly rules: RuleSet;
  readonly population: Population;
  /** Simulated days. */
  readonly days: number;
  /** The same seed gives the same simulation. */
  readonly seed: number;
  /** Whether the rules' scoring profile makes an asset invalid for what lint finds. */
  readonly rejectsLint: boolean;
  /** Of each group at most so many miners are played, each for itself and an equal share of the others. */
  readonly each: number;
}

/** How a group fared: means of one of its miners. */
export interface GroupResult {
  readonly group: Group;
  readonly tasksAnHour: number;
  /** Share of its submissions that were accepted. */
  readonly acceptance: number;
  readonly averageFidelity: number;
  readonly reward: number;
  /** Share of all weights, over all settings of them. */
  readonly income: number;
}

export interface Sample {
  /** Since the begin. */
  readonly hours: number;
  /** Mean reward of a miner, by group in the population's order. */
  readonly rewards: readonly number[];
  /** Share of all weights of a miner, likewise; all 0 while there are none. */
  readonly shares: readonly number[];
}

export interface Simulated {
  readonly rules: RuleSet;
  readonly groups: readonly GroupResult[];
  readonly samples: readonly Sample[];
  /** Tasks that were lent to the miners that were played, and how many those are. */
  readonly tasks: number;
  readonly played: number;
}

interface Miner {
  readonly hotkey: string;
  readonly group: Group;
  /** How many uids it plays. */
  seats: number;
  tasks: number;
  submitted: number;
  accepted: number;
  income: number;
}

const startAt = 1_764_000_000_000;
const secondMs = 1000;
const hourMs = 3_600_000;
const blockMs = 12_000;
/** Between two looks at deadlines; the process looks every second. */
const tickMs = 5_000;
/** Between two pulls of a miner that hammers, and before the first pull after a cooldown. */
const hammerMs = 5_000;
const reactionMs = 1_000;
/** A task that was taken and never answered: its miner is back so long after its lease. */
const lateMs = 1_000;
const mostOpenTasks = 1_000;

/** Plays `days` days. The same options give the same outcome. */
export async function simulate(options: SimulateOptions): Promise<Simulated> {
  const { rules, population, days, seed } = options;
  const random = createRandom(seed);
  const agenda = createAgenda(startAt);
  const { now } = agenda;
  using store = openStoreInMemory();
  const records = createMiners(store, rules);
  using tasks = createTasks({
    ...{ store, ...rules, maxOpenTasks: mostOpenTasks },
    onSilence: ({ hotkey }, at) => records.countSilence(hotkey, at),
  });
  const submissions = createSubmissions({
    ...{ store, assets: noFiles(), tasks, miners: records, rules },
    reports: { save: () => {}, get: () => undefined },
  });
  const workshop = createWorkshop(random, population.baseline);
  const never = new AbortController().signal;

  /** What became of the submission that is being handed in, by who hands it in. */
  let handedIn: ((id: string) => void) | undefined;
  let prompts = 0;
  const protocol = createMinerProtocol({
    ...{ validator: "", tasks, miners: records, submissions, rules, now },
    isStrong: () => false,
    drawPrompt: () => `a thing ${++prompts}`,
    lendsNothing: () => undefined,
    verify: async ({ signature }) => (signature === "right" ? "2025" : undefined),
    onAssigned: () => {},
    onSubmitted: ({ id }) => handedIn?.(id),
    isQueued: async () => true,
  });

  const miners: readonly Miner[] = population.groups.flatMap((group) =>
    Array.from({ length: Math.min(group.miners, options.each) }, (_, index) => ({
      ...{ hotkey: `${group.name} ${index}`, group },
      ...{ seats: 0, tasks: 0, submitted: 0, accepted: 0, income: 0 },
    })),
  );

  /** @param told resolves when the miner has its answer; the clock stands still until then */
  const score = async (id: string, work: Work, told: Promise<void>): Promise<void> => {
    type Outcome = MessageInitShape<typeof RenderScoreResultSchema>["outcome"];
    let outcome: NonNullable<Outcome>;
    if (random() < population.faults) {
      outcome = { case: "systemFault", value: { message: "simulated" } };
    } else if (work.lint !== undefined && options.rejectsLint) {
      outcome = {
        case: "invalidAsset",
        value: { code: `lint-${work.lint}`, message: "simulated" },
      };
    } else {
      const { score } = work;
      outcome = { case: "scored", value: create(ScoreReportSchema, { score }) };
    }
    const { geometry } = work;
    const replica = submissions.get(id)?.replica ?? 0;
    const result = { jobId: id, submissionId: id, outcome, geometry, replica };
    const applied = submissions.applyResult(create(RenderScoreResultSchema, result), now());
    if (applied.kind === "again") {
      agenda.after(population.scoringSeconds * secondMs, () => score(id, work, told));
    } else {
      await told;
    }
  };

  /** Hands work in (none gives the task back), and comes for the next task when it may. */
  const submit = async (miner: Miner, taskId: string, work: Work | undefined, again = 0) => {
    const bytes = new Uint8Array(work === undefined ? 0 : 1);
    const sha256 = work?.sha256 ?? "";
    const asset = { kind: "bytes", sizeBytes: bytes.length, sha256, take: () => bytes } as const;
    const taken = new Promise<string>((resolve) => {
      handedIn = resolve;
    });
    const answer = protocol.submit(
      miner.hotkey,
      {
        ...{ taskId, prompt: undefined, asset, release: () => {}, dataFormat: "ply" },
        ...{ dataVersion: 0, compression: 0, submitTime: BigInt(now()) * 1_000_000n },
        signature: work?.isSigned === false ? "wrong" : "right",
        hasSigned: async () => false, // `verify` does without
      },
      never,
    );
    const told = answer.then(({ feedback, cooldown_until }) => {
      if (work !== undefined && again === 0) {
        miner.submitted += 1;
        miner.accepted += feedback?.verdict === "accepted" ? 1 : 0;
      }
      if (work !== undefined && again < work.again) {
        agenda.after(reactionMs, () => submit(miner, taskId, work, again + 1));
        return;
      }
      comeBack(miner, cooldown_until);
    });
    const id = await Promise.race([taken, told]);
    if (id === undefined || work === undefined || submissions.stillPending(id) === undefined) {
      await told;
      return;
    }
    workshop.handedIn(miner.group, work);
    agenda.after(population.scoringSeconds * secondMs, () => score(id, work, told));
  };

  const comeBack = (miner: Miner, cooldownUntil: number): void => {
    const waitMs = Math.max(0, cooldownUntil * secondMs - now()) + reactionMs;
    const hammers = miner.group.cheat === "hammer";
    agenda.after(hammers ? Math.min(hammerMs, waitMs) : waitMs, () => pull(miner));
  };

  const pull = (miner: Miner): void => {
    const { group, hotkey } = miner;
    const { task, submit_before, cooldown_until } = protocol.pull(hotkey);
    if (task === null) {
      comeBack(miner, cooldown_until);
      return;
    }
    miner.tasks += 1;
    const work = workshop.make(group, hotkey);
    const leftMs = submit_before * secondMs - now();
    if (random() < group.saysNothing || work.seconds * secondMs > leftMs) {
      agenda.after(leftMs + lateMs, () => pull(miner));
      return;
    }
    const isGivenBack = random() < group.givesBack;
    agenda.after(work.seconds * secondMs, () =>
      submit(miner, task.id, isGivenBack ? undefined : work),
    );
  };

  for (const miner of miners) {
    agenda.after(random() * rules.cooldownMs, () => pull(miner)); // nobody begins in step
  }
  const tick = (): void => {
    submissions.failOverdue(now());
    tasks.expire(now());
    agenda.after(tickMs, tick);
  };
  tick();
  const seats = seatsOf(population, miners);
  const clientTasksAnHour = (population.clientTasksAnHour * miners.length) / seats.length;
  const nextWish = (): void => {
    if (clientTasksAnHour > 0) {
      agenda.after((-Math.log(1 - random()) * hourMs) / clientTasksAnHour, ask);
    }
  };
  const ask = (): void => {
    prompts += 1;
    const request = { class: "organic", prompt: `a wish ${prompts}`, client: "client" } as const;
    tasks.create(request, now());
    nextWish();
  };
  nextWish();

  const neurons = seats.map((_, uid) => neuronOf(uid));
  const samples: Sample[] = [];
  let settings = 0;
  const setWeights = (): void => {
    const rewards = new Map(
      miners.map((miner) => [miner, records.get(miner.hotkey, now()).reward]),
    );
    const byHotkey = new Map(seats.map((miner, uid) => [String(uid), rewards.get(miner) ?? 0]));
    const limits = { minAllowedWeights: 1, maxWeightsLimit: 65535 };
    const made = weightsNow(byHotkey, { neurons }, limits, rules);
    const rows = made.kind === "ready" ? made.rows : [];
    const total = rows.reduce((sum, { weight }) => sum + weight, 0);
    /** Of each miner, with those for whom it stands: the mean of their shares. */
    const shares = new Map<Miner, number>();
    for (const { uid, weight } of rows) {
      const miner = seats[uid];
      if (miner !== undefined) {
        shares.set(miner, (shares.get(miner) ?? 0) + weight / total / miner.seats);
      }
    }
    const shareOf = (miner: Miner): number => shares.get(miner) ?? 0;
    if (total > 0) {
      settings += 1;
      for (const miner of miners) {
        miner.income += shareOf(miner);
      }
    }
    samples.push({
      hours: (now() - startAt) / hourMs,
      rewards: means(population, miners, (miner) => rewards.get(miner) ?? 0),
      shares: means(population, miners, shareOf),
    });
    agenda.after(rules.weights.intervalBlocks * blockMs, setWeights);
  };
  agenda.after(rules.weights.intervalBlocks * blockMs, setWeights);

  const endAt = startAt + days * 24 * hourMs;
  await agenda.runUntil(endAt);
  const each = (of: (miner: Miner) => number): readonly number[] => means(population, miners, of);
  const tasksAnHour = each((miner) => miner.tasks / (days * 24));
  const acceptance = each((miner) => miner.accepted / Math.max(1, miner.submitted));
  const averageFidelity = each(({ hotkey }) => records.get(hotkey, endAt).averageFidelity);
  const reward = each(({ hotkey }) => records.get(hotkey, endAt).reward);
  const income = each((miner) => miner.income / Math.max(1, settings));
  return {
    ...{ rules, samples, played: miners.length },
    tasks: miners.reduce((sum, miner) => sum + miner.tasks, 0),
    groups: population.groups.map((group, index) => ({
      group,
      tasksAnHour: tasksAnHour[index] ?? 0,
      acceptance: acceptance[index] ?? 0,
      averageFidelity: averageFidelity[index] ?? 0,
      reward: reward[index] ?? 0,
      income: income[index] ?? 0,
    })),
  };
}

function means(
  { groups }: Population,
  miners: readonly Miner[],
  of: (miner: Miner) => number,
): readonly number[] {
  return groups.map((group) => {
    const own = miners.filter((miner) => miner.group === group);
    return own.reduce((sum, miner) => sum + of(miner), 0) / own.length;
  });
}

/** Who plays each uid. */
function seatsOf({ groups }: Population, miners: readonly Miner[]): readonly Miner[] {
  const seats = groups.flatMap((group) => {
    const own = miners.filter((miner) => miner.group === group);
    return Array.from({ length: group.miners }, (_, index) => own[index % own.length]);
  });
  const taken = seats.filter((miner) => miner !== undefined);
  for (const miner of taken) {
    miner.seats += 1;
  }
  return taken;
}

function neuronOf(uid: number): Neuron {
  const hotkey = String(uid);
  return {
    ...{ uid, hotkey, coldkey: hotkey, stakeTao: 0, validatorPermit: false, lastUpdate: 0 },
    ...{ incentive: 0, axon: undefined },
  };
}

/** Assets that nobody reads: their hash is all that counts here. */
function noFiles(): AssetFiles {
  return {
    save: async (_bytes, sha256 = "") => ({ sha256, [Symbol.dispose]: () => {} }),
    load: async () => undefined,
    read: async () => undefined,
    remove: async () => true,
    async *walk() {},
  };
}
