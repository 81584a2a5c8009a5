/** The rule sets that come with us. */
import { subnetAcceptance } from "@turntable/proto";
import type { RuleSet } from "./rule-set.ts";

const hourMs = 3_600_000;

/** The subnet's rules of May 2024. */
const seed: RuleSet = {
  name: "seed",
  taskTimeoutMs: 600_000,
  leaseMs: 240_000, // four that say nothing leave more than half of the task's time to others
  leastLoanMs: 90_000,
  cooldownMs: 60_000,
  throttleMs: 0,
  badWorkMs: 0,
  freeViolations: 0,
  violationMs: 0, // they are counted
  windowMs: 8 * hourMs,
  averageAlpha: 0.05,
  averageStart: 1,
  countRejected: false,
  faultTries: 2,
  organicCopies: 4,
  organicFinishMs: 60_000,
  verdictGraceMs: 600_000,
  strong: { count: 100, extraCopies: 1 },
  failExhausted: false,
  acceptance: subnetAcceptance,
  fidelitySteps: [
    { score: 0.8, fidelity: 1 },
    { score: subnetAcceptance, fidelity: 0.75 },
  ],
  duplicateCost: "rejected",
  metagraphSyncMs: 600_000,
  idleMs: 10_000,
  weights: {
    intervalBlocks: 100,
    lookMs: 12_000,
    leastStakeTao: 1000,
    form: "share",
    versionKey: 200,
  },
  duels: {
    perHour: 0,
    rewarded: false,
    start: { rating: 1500, deviation: 350, volatility: 0.06 }, // for who is not rated, by the paper
    tau: 0.5,
    periodMs: 24 * hourMs,
  },
  validatorVersion: 200,
  profile: "sn17-seed",
};

/** The rule sets that `--rules` can name. */
export const ruleSets = {
  seed,
  /** The subnet's rules of October 2025, but for duels. */
  "2025": {
    ...seed,
    name: "2025",
    taskTimeoutMs: 300_000,
    leaseMs: 150_000, // half of the task's time, so that a silent miner leaves some to another
    cooldownMs: 300_000,
    throttleMs: 30_000,
    badWorkMs: 600_000,
    freeViolations: 100,
    violationMs: 10_000,
    windowMs: 4 * hourMs,
    organicFinishMs: 30_000,
    strong: { count: 0, extraCopies: 0 },
    fidelitySteps: [{ score: subnetAcceptance, fidelity: "score" }],
    validatorVersion: 45,
    weights: { ...seed.weights, form: "rank", versionKey: 9_000_000 },
  },
  /** The seed's for a laptop: everything quicker, and nobody new is waited for. */
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
    weights: { ...seed.weights, intervalBlocks: 20, lookMs: 1_000 },
  },
} as const satisfies Record<string, RuleSet>;

export type RuleSetName = keyof typeof ruleSets;
