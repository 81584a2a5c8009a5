/** What a rule set is made of: numbers and names, no code, so that a file can change them. */
import { z } from "zod";

const ms = z.number().int().min(0);
const share = z.number().min(0).max(1);

const weightsSchema = z.strictObject({
  /** Blocks between two settings of weights; the subnet's own rate limit holds besides. */
  intervalBlocks: z.number().int().min(1),
  /** Between two looks at whether it is time, in ms: about one block. */
  lookMs: ms.min(1),
  /** No weights are sent with less stake, in TAO. */
  leastStakeTao: z.number().min(0),
  /**
   * How rewards become weights: each its share of all, as in 2024, or by rank on a flat curve from a reward of more
   * than 5 on, as in 2025.
   */
  form: z.enum(["share", "rank"]),
  /** The version that is sent along; a subnet may ask for a least one. */
  versionKey: z.number().int().min(0),
});

const strongSchema = z.strictObject({
  /** So many miners with the highest incentive are strong. */
  count: z.number().int().min(0),
  /** Copies of an organic task beyond `organicCopies` for strong miners, when none of those assigned is strong. */
  extraCopies: z.number().int().min(0),
});

const duelsSchema = z.strictObject({
  /** So many pairs of accepted assets are judged an hour at most; with 0 there are no duels. */
  perHour: z.number().int().min(0).max(3600),
  /** Whether a reward is accepted results × rating, and not × average fidelity. */
  rewarded: z.boolean(),
  /** The rating that everybody starts with, how uncertain it is, and how much it is expected to move. */
  start: z.strictObject({
    rating: z.number().min(1).max(10_000),
    deviation: z.number().min(1).max(1_000),
    volatility: z.number().min(0.001).max(1),
  }),
  /** Glicko-2's τ: how much volatility may change. */
  tau: z.number().min(0.2).max(1.2),
  /** In such a time without a duel a rating loses as much certainty as in one period of Glicko-2, in ms. */
  periodMs: ms.min(1),
});

const ruleSetSchema = z.strictObject({
  /** As in `--rules`, or the name that a file gives. */
  name: z.string().min(1),
  /** A task has this long for a result, in ms. */
  taskTimeoutMs: ms.min(1),
  /** A miner has this long to submit, or until the task's time is over; then its place is another's. ms */
  leaseMs: ms.min(1),
  /** No task is lent with less time left than generating takes, in ms. */
  leastLoanMs: ms,
  /** Between a result and the next task, in ms. */
  cooldownMs: ms,
  /** The time that a miner spent on its task is taken off its cooldown, up to this much, in ms. */
  throttleMs: ms,
  /** More cooldown after work that was not accepted, or a violation, in ms. */
  badWorkMs: ms,
  /** So many pulls during a cooldown cost nothing ... */
  freeViolations: z.number().int().min(0),
  /** ... and each above lengthens the cooldown by this, in ms. */
  violationMs: ms,
  /** An accepted result counts for this long, in ms. */
  windowMs: ms.min(1),
  /** Weight of the newest fidelity in the moving average. */
  averageAlpha: share,
  /** Where a new miner's average starts. */
  averageStart: share,
  /** Whether rejected work enters the average (with fidelity 0). The subnet's own rule is that it does not. */
  countRejected: z.boolean(),
  /**
   * How many faults of ours in a row, or at one task, a miner is given another try after. At one more a second worker
   * decides whether it is the asset that kills workers, and while they last, the miner's pulls are a cooldown apart.
   */
  faultTries: z.number().int().min(0),
  /** How many miners get the same organic task at a time. */
  organicCopies: z.number().int().min(1),
  /** After the first acceptable copy of an organic task the others have this long, in ms. */
  organicFinishMs: ms,
  /** So long after its task's time a submission that nobody has scored ends as a fault of ours, in ms. */
  verdictGraceMs: ms,
  strong: strongSchema,
  /**
   * Whether an organic task fails as soon as every registered miner has had it. Otherwise it waits, until its time is
   * over, for one that registers later.
   */
  failExhausted: z.boolean(),
  /** From this score on a submission is accepted; miners are told it as `validation_threshold`. */
  acceptance: share,
  /** What a score earns: from `score` on, `fidelity`, which may be the score itself; steps in falling order. */
  fidelitySteps: z
    .array(z.strictObject({ score: share, fidelity: z.union([share, z.literal("score")]) }))
    .min(1)
    .refine(
      (steps) => steps.every(({ score }, i) => i === 0 || score < (steps[i - 1]?.score ?? 0)),
      "the steps' scores do not fall",
    ),
  /** What it costs to hand in again what was handed in before: as much as rejected work, or a violation beside that. */
  duplicateCost: z.enum(["rejected", "violation"]),
  /** How often the subnet's neurons are read from the chain, in ms. */
  metagraphSyncMs: ms.min(1000),
  /** A miner that found no task is asked to come back after this long, in ms. */
  idleMs: ms,
  weights: weightsSchema,
  duels: duelsSchema.refine(
    ({ perHour, rewarded }) => perHour > 0 || !rewarded,
    "ratings cannot be rewarded without duels: perHour is 0",
  ),
  /** The validator's version that miners are told: patch + 100 × minor + 10,000 × major. */
  validatorVersion: z.number().int().min(0),
  /** Name of the scoring profile, which says how submissions are rendered and scored. */
  profile: z.string().min(1),
});

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

export type RuleSet = DeepReadonly<z.infer<typeof ruleSetSchema>>;

/** What a file may change: any of it. */
const changesSchema = ruleSetSchema
  .extend({
    weights: weightsSchema.partial(),
    strong: strongSchema.partial(),
    duels: duelsSchema.extend({ start: duelsSchema.shape.start.partial() }).partial(),
  })
  .partial();

/** A file of rules that cannot be used; the message names each fault. */
export class RulesError extends Error {
  override name = "RulesError";
}

/**
 * The rule set that a file makes of another one: JSON with the names of `RuleSet`, each of which replaces a number.
 * @param file named in errors
 * @throws RulesError when it is no JSON, has a name that there is not, or a value out of its range
 */
export function ruleSetOf(base: RuleSet, text: string, file: string): RuleSet {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new RulesError(`${file}: is no JSON: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
  const changes = changesSchema.safeParse(json);
  if (!changes.success) {
    throw fault(file, changes.error);
  }
  const { weights, strong, duels, ...others } = changes.data;
  const made = ruleSetSchema.safeParse({
    ...base,
    name: file,
    ...others,
    weights: { ...base.weights, ...weights },
    strong: { ...base.strong, ...strong },
    duels: { ...base.duels, ...duels, start: { ...base.duels.start, ...duels?.start } },
  });
  if (!made.success) {
    throw fault(file, made.error);
  }
  return made.data;
}

function fault(file: string, { issues }: z.ZodError): RulesError {
  const lines = issues.map(({ path, message }) => `${path.join(".") || "the file"}: ${message}`);
  return new RulesError(`${file}: ${lines.join("; ")}`);
}
