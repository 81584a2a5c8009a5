/** The subnet's numbers and what follows from them. Pure functions of values. */
import { subnetAcceptance } from "@turntable/proto";

export interface RuleSet {
  /** As in `--rules`. */
  readonly name: string;
  /** A task has this long for a result, in ms. */
  readonly taskTimeoutMs: number;
  /** A miner has this long to submit, or until the task's time is over; then its place is another's. ms */
  readonly leaseMs: number;
  /** No task is lent with less time left than generating takes, in ms. */
  readonly leastLoanMs: number;
  /** Between a result and the next task, in ms. */
  readonly cooldownMs: number;
  /** An accepted result counts for this long, in ms. */
  readonly windowMs: number;
  /** Weight of the newest fidelity in the moving average, 0 to 1. */
  readonly averageAlpha: number;
  /** Where a new miner's average starts, 0 to 1. */
  readonly averageStart: number;
  /** Whether rejected work enters the average (with fidelity 0). The subnet's own rule is that it does not. */
  readonly countRejected: boolean;
  /**
   * How many faults of ours in a row, or at one task, a miner is given another try after. At one more a second worker
   * decides whether it is the asset that kills workers, and while they last, the miner's pulls are a cooldown apart.
   */
  readonly faultTries: number;
  /** How many miners get the same organic task at a time. */
  readonly organicCopies: number;
  /** After the first acceptable copy of an organic task the others have this long, in ms. */
  readonly organicFinishMs: number;
  /**
   * Whether an organic task fails as soon as every registered miner has had it. Otherwise it waits, until its time is
   * over, for one that registers later.
   */
  readonly failExhausted: boolean;
  /** So long after its task's time a submission that nobody has scored ends as a fault of ours, in ms. */
  readonly verdictGraceMs: number;
  /** From this score on a submission is accepted, 0 to 1; miners are told it as `validation_threshold`. */
  readonly acceptance: number;
  /** What a score earns: from `score` on, `fidelity`; steps in falling order. */
  readonly fidelitySteps: readonly { readonly score: number; readonly fidelity: number }[];
  /**
   * What it costs to hand in again what was handed in before: as much as rejected work, or a violation beside that.
   */
  readonly duplicateCost: "rejected" | "violation";
  /** How often the subnet's hotkeys are read from the chain, in ms. */
  readonly metagraphSyncMs: number;
  /** A miner that found no task is asked to come back after this long, in ms. */
  readonly idleMs: number;
  /** Name of the scoring profile, which says how submissions are rendered and scored. */
  readonly profile: string;
}

/** The subnet's rules of May 2024. */
const seed: RuleSet = {
  name: "seed",
  taskTimeoutMs: 600_000,
  leaseMs: 240_000, // four that say nothing leave more than half of the task's time to others
  leastLoanMs: 90_000,
  cooldownMs: 60_000,
  windowMs: 8 * 3_600_000,
  averageAlpha: 0.05,
  averageStart: 1,
  countRejected: false,
  faultTries: 2,
  organicCopies: 4,
  organicFinishMs: 60_000,
  failExhausted: false,
  verdictGraceMs: 600_000,
  acceptance: subnetAcceptance,
  fidelitySteps: [
    { score: 0.8, fidelity: 1 },
    { score: subnetAcceptance, fidelity: 0.75 },
  ],
  duplicateCost: "rejected",
  metagraphSyncMs: 600_000,
  idleMs: 10_000,
  profile: "sn17-seed",
};

/** The rule sets that `--rules` can name. */
export const ruleSets = {
  seed,
  /** The same for a laptop: everything quicker, and nobody new is waited for. */
  local: {
    ...seed,
    name: "local",
    leaseMs: 120_000,
    leastLoanMs: 30_000,
    cooldownMs: 5_000,
    windowMs: 600_000,
    metagraphSyncMs: 10_000,
    idleMs: 1_000,
    failExhausted: true,
  },
} as const satisfies Record<string, RuleSet>;

export type RuleSetName = keyof typeof ruleSets;

/** The fidelity that a score (0 to 1) earns, 0 to 1. */
export function fidelityOf(rules: RuleSet, score: number): number {
  return rules.fidelitySteps.find((step) => score >= step.score)?.fidelity ?? 0;
}

/**
 * The moving average after one more result.
 * @param average 0 to 1
 * @param fidelity 0 to 1; 0 when the result was not accepted
 */
export function nextAverage(rules: RuleSet, average: number, fidelity: number): number {
  if (fidelity === 0 && !rules.countRejected) return average;
  return average + rules.averageAlpha * (fidelity - average);
}

/** The reward that a miner has earned: accepted results in the window × average fidelity. */
export function rewardOf(observations: number, average: number): number {
  return observations * average;
}
