/**
 * Sets a validator's weights, again and again.
 *
 * V1 When it is time is read from the chain, which knows when weights came last; a restart changes nothing.
 * V2 An attempt is written down before it is sent, and what the chain said afterwards. Where another coordinator may
 *    lead it is not sent.
 * V3 A failure is tried again after some blocks, several times in an epoch; a chain that is away, at the next look.
 * V4 What the chain took is looked for on the chain: what a fork undid is sent again, and weights that were never
 *    revealed, or are somebody else's, are told.
 */
import type { Chain, Hyperparameters, Neuron } from "@turntable/bittensor/chain";
import type { Keypair } from "@turntable/bittensor/keys";
import { type Loop, startLoop } from "@turntable/process";
import type { RuleSet } from "../rules/index.ts";
import type { AttemptOutcome, Attempts, WeightAttempt } from "./attempts.ts";
import { backOffBlocks, intervalBlocks, type Plan, planWeights, valuesOf } from "./plan.ts";
import { attemptsToJudge, settledBlocks, standingOf } from "./standing.ts";
import type { Rewards } from "./weights-now.ts";

/** Whose weights, and where. */
export interface WeightsPlace {
  readonly netuid: number;
  readonly hotkey: Keypair;
}

export type WeightsEvent = { readonly netuid: number; readonly validator: string } & (
  | {
      readonly kind: "attempt";
      readonly outcome: AttemptOutcome;
      /** How many weights were sent. */
      readonly count: number;
      readonly block: number;
    }
  /** None can be set, or there is nothing to set; told once for each reason. */
  | { readonly kind: "barred" | "none"; readonly reason: string }
  /** The chain took weights and does not have them; told once of each. */
  | { readonly kind: "missing"; readonly block: number; readonly reason: string }
  /** Weights of the hotkey were set in this block, and not by us; told once of each. */
  | { readonly kind: "foreign"; readonly block: number }
  /** The last weights are twice as old as they should be. Told once an interval. */
  | {
      readonly kind: "late";
      readonly blocks: number;
      readonly reason: string;
      /** There is nothing to set, as while nobody has a reward; otherwise somebody has to look. */
      readonly isIdle: boolean;
    }
  /** How old the last weights are at this block, and after how many blocks the next are due; after each look. */
  | {
      readonly kind: "age";
      readonly blocks: number;
      readonly block: number;
      readonly intervalBlocks: number;
    }
);

export interface WeightsOptions {
  readonly place: WeightsPlace;
  readonly chain: Pick<
    Chain,
    "blockNumber" | "metagraph" | "hyperparameters" | "weights" | "setWeights"
  >;
  readonly rules: Pick<RuleSet, "weights">;
  readonly attempts: Attempts;
  /** What each of the hotkeys (ss58) has earned. */
  readonly rewardsOf: (hotkeys: readonly string[], now: number) => Rewards;
  /** Resolves when this coordinator led after all that it has written; throws when not. It does when absent. */
  readonly settled?: (() => Promise<void>) | undefined;
  readonly onEvent: (event: WeightsEvent) => void;
  readonly onTrouble: (what: string, error: unknown) => void;
  /** ms since 1970 UTC */
  readonly now: () => number;
  /** A chain that has not told its state after so long is away, in ms; 45,000 when absent. */
  readonly patienceMs?: number;
}

/** Between two looks at what bars us, or at rewards that are not there yet, in blocks. */
const idleBlocks = 5;
/** A chain that has not answered after so long is away, in ms. */
const defaultPatienceMs = 45_000;

/** Starts the loop; the first look comes at once. */
export function startWeights(options: WeightsOptions): Loop {
  const { place, chain, rules, attempts, now, onTrouble } = options;
  const { patienceMs = defaultPatienceMs } = options;
  const { netuid, hotkey } = place;
  const tell = (event: DistributiveOmit<WeightsEvent, "netuid" | "validator">): void =>
    options.onEvent({ netuid, validator: hotkey.ss58, ...event });

  /** There is nothing to do before this block. */
  let notBefore = 0;
  let failures = 0;
  /** Whether the chain was ever read. */
  let isReached = false;
  /** Block of the latest weights on the chain, or of the registration; undefined before the first look. */
  let lastUpdate: number | undefined;
  let interval = rules.weights.intervalBlocks;
  /** Why there are no weights, as it was told last. */
  let told: { readonly kind: "barred" | "none" | "failed"; readonly reason: string } | undefined;
  let lateToldAt = 0;
  let firstUpdate: number | undefined;
  let foreignTold: number | undefined;
  let missingTold: number | undefined;
  /** The newest block that was seen, and the looks since then that did not reach the chain, each about a block. */
  let head = 0;
  /** Since the start: how old weights are at least, in blocks, as long as the chain was never read. */
  let looksInVain = 0;

  const tellOnce = (kind: "barred" | "none", reason: string): void => {
    if (told?.reason !== reason) {
      tell({ kind, reason });
    }
    told = { kind, reason };
  };

  const readPlan = async (
    signal: AbortSignal,
  ): Promise<{
    readonly plan: Plan;
    readonly block: number;
    readonly hyperparameters: Hyperparameters;
  }> => {
    const [metagraph, hyperparameters] = await Promise.all([
      chain.metagraph(netuid, signal),
      chain.hyperparameters(netuid, signal),
    ]);
    const hotkeys = metagraph.neurons.map((neuron) => neuron.hotkey);
    const rewards = options.rewardsOf(hotkeys, now());
    const input = { hotkey: hotkey.ss58, metagraph, hyperparameters, rules, rewards };
    interval = intervalBlocks(rules, hyperparameters);
    const plan = planWeights(input);
    isReached = true;
    lastUpdate = plan.neuron?.lastUpdate ?? lastUpdate; // who lost its place has old weights still
    return { plan, block: metagraph.block, hyperparameters };
  };

  /** V4 */
  const judge = async (
    neuron: Neuron,
    block: number,
    hyperparameters: Hyperparameters,
    signal: AbortSignal,
  ): Promise<void> => {
    const count = attemptsToJudge(hyperparameters, interval);
    const latest = attempts.latest(netuid, hotkey.ss58, count);
    const onChain = await chain.weights(netuid, neuron.uid, signal);
    firstUpdate ??= neuron.lastUpdate;
    const updates = { lastUpdate: neuron.lastUpdate, firstUpdate };
    const standing = standingOf({ attempts: latest, ...updates, onChain, block, hyperparameters });
    if (standing.kind === "asSent" && standing.landed !== undefined) {
      const { lastUpdate: block } = neuron;
      attempts.end(standing.landed.id, { kind: "included", block, revealRound: undefined });
    } else if (standing.kind === "foreign" && standing.atBlock !== foreignTold) {
      foreignTold = standing.atBlock;
      tell({ kind: "foreign", block: standing.atBlock });
    } else if (standing.kind === "missing" && standing.attempt.id !== missingTold) {
      missingTold = standing.attempt.id;
      const { attempt, isUndone } = standing;
      const reason = missingReason(attempt, isUndone);
      if (isUndone) {
        attempts.end(attempt.id, { kind: "failed", message: reason });
      }
      tell({ kind: "missing", block: attempt.includedBlock ?? attempt.block, reason });
    }
  };

  const send = async (
    rows: Extract<Plan["weights"], { kind: "ready" }>["rows"],
    block: number,
    tempo: number,
    signal: AbortSignal,
  ): Promise<void> => {
    const { versionKey } = rules.weights;
    const attempt = { netuid, validator: hotkey.ss58, at: now(), block, versionKey, rows };
    const id = attempts.begin(attempt); // V2
    await options.settled?.();
    let outcome: AttemptOutcome;
    try {
      outcome = await chain.setWeights(
        { netuid, hotkey, versionKey, weights: valuesOf(rows) },
        signal,
      );
    } catch (error) {
      outcome = { kind: "failed", message: error instanceof Error ? error.message : String(error) };
    }
    attempts.end(id, outcome);
    tell({ kind: "attempt", outcome, count: rows.length, block });
    if (outcome.kind === "included" || outcome.kind === "unchanged") {
      failures = 0;
      told = undefined;
      lastUpdate = outcome.kind === "included" ? outcome.block : block;
      notBefore = lastUpdate + Math.min(settledBlocks, interval);
    } else {
      failures += 1;
      told = { kind: "failed", reason: "the last attempt failed" };
      notBefore = block + backOffBlocks(failures, tempo); // V3
    }
  };

  const look = async (signal: AbortSignal): Promise<void> => {
    const patience = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
    head = await chain.blockNumber(patience);
    if (head < notBefore) {
      return;
    }
    const { plan, block, hyperparameters } = await readPlan(patience); // V1
    head = block;
    const { due, weights, neuron } = plan;
    if (neuron !== undefined) {
      await judge(neuron, block, hyperparameters, patience).catch((error: unknown) => {
        signal.throwIfAborted();
        // Whoever cannot look back can send all the same.
        onTrouble(`subnet ${netuid}: weights on the chain could not be looked at`, error);
      });
    }
    notBefore = block + idleBlocks;
    if (due.kind === "barred") {
      tellOnce("barred", due.reason);
    } else if (due.kind === "later") {
      notBefore = due.atBlock;
    } else if (weights.kind === "none") {
      tellOnce("none", weights.reason);
    } else {
      await send(weights.rows, block, hyperparameters.tempo, signal);
    }
  };

  const tellAge = (): void => {
    if (lastUpdate === undefined && isReached) {
      return; // never registered, which was told
    }
    const at = lastUpdate === undefined ? looksInVain : head;
    const blocks = Math.max(0, at - (lastUpdate ?? 0));
    if (lastUpdate !== undefined) {
      tell({ kind: "age", blocks, block: head, intervalBlocks: interval });
    }
    if (blocks <= 2 * interval || at - lateToldAt < interval) {
      return;
    }
    lateToldAt = at;
    const reason = told?.reason ?? "the chain was not reached";
    tell({ kind: "late", blocks, reason, isIdle: told?.kind === "none" });
  };

  const loop = startLoop({
    everyMs: rules.weights.lookMs,
    async run(signal) {
      try {
        await look(signal);
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        head += 1;
        looksInVain += 1;
        onTrouble(`subnet ${netuid}: weights could not be looked after`, error);
      }
      tellAge();
    },
    onTrouble: (error) => onTrouble(`subnet ${netuid}: weights could not be looked after`, error),
  });
  void loop.runNow();
  return loop;
}

function missingReason({ includedBlock, revealRound }: WeightAttempt, isUndone: boolean): string {
  if (isUndone) {
    return `the chain said that they were included in block ${includedBlock}, and has nothing of it any more`;
  }
  return revealRound === undefined
    ? `they were included in block ${includedBlock}, and others are on the chain`
    : `they were committed in block ${includedBlock} and not revealed with round ${revealRound}`;
}

/** `Omit` of each member of a union. */
type DistributiveOmit<Union, Key extends PropertyKey> = Union extends unknown
  ? Omit<Union, Key>
  : never;
