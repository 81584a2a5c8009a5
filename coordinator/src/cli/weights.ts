/** `turntable-coordinator weights --dry-run`: what would be set now, and why, uid by uid. */
import type { Chain, Hyperparameters } from "@turntable/bittensor/chain";
import { createMinerReader, type Miner } from "../miners/index.ts";
import type { RuleSet } from "../rules/index.ts";
import { openStoreReader, type StoreReader } from "../store/index.ts";
import {
  isSame,
  type Plan,
  planWeights,
  readAttempts,
  type WeightAttempt,
} from "../weights/index.ts";
import { type Command, table, UsageError } from "./command.ts";

export const weightsCommand: Command = {
  summary: "what would be set as weights now, and why; sends nothing",
  usage: "weights --dry-run",
  flags: ["--dry-run"],
  freeWords: 0,
  async run({ config, words, rules, hotkey, openChain, print, now }) {
    if (!words.includes("--dry-run")) {
      throw new UsageError("the running coordinator sets weights; give --dry-run to see which");
    }
    if (config.hotkeyFile === undefined && config.hotkeyUri === undefined) {
      throw new UsageError("whose weights? give --hotkey-file, as to the coordinator");
    }
    const { ss58 } = await hotkey();
    using store = openStoreReader(config.dataDir);
    await using chain = await openChain();
    const { netuid } = config.chain;
    await print(await describeWeights({ store, chain, netuid, hotkey: ss58, rules, now: now() }));
    return 0;
  },
};

export interface DescribeWeights {
  readonly store: StoreReader;
  readonly chain: Pick<Chain, "metagraph" | "hyperparameters" | "weights">;
  readonly netuid: number;
  /** The validator's, ss58. */
  readonly hotkey: string;
  readonly rules: RuleSet;
  /** ms since 1970 UTC */
  readonly now: number;
}

const attemptsShown = 5;
/** Committed weights are revealed some attempts later. */
const attemptsLookedAt = 64;

/** The plan of this moment in words and tables. */
export async function describeWeights(options: DescribeWeights): Promise<string> {
  const { store, chain, netuid, hotkey, rules, now } = options;
  const [metagraph, hyperparameters] = await Promise.all([
    chain.metagraph(netuid),
    chain.hyperparameters(netuid),
  ]);
  const { get } = createMinerReader(store, rules);
  const miners = new Map(metagraph.neurons.map((neuron) => [neuron.uid, get(neuron.hotkey, now)]));
  const rewards = new Map([...miners.values()].map((miner) => [miner.hotkey, miner.reward]));
  const plan = planWeights({ hotkey, metagraph, hyperparameters, rules, rewards });
  const attempts = readAttempts(store).latest(netuid, hotkey, attemptsLookedAt);
  const onChain =
    plan.neuron === undefined ? new Map() : await chain.weights(netuid, plan.neuron.uid);
  return [
    `subnet ${netuid} at block ${metagraph.block}, rules ${rules.name}, ${describeNeuron(plan, hotkey)}`,
    `the subnet: ${describeSubnet(hyperparameters)}`,
    `on the chain: ${describeOnChain(onChain, attempts)}`,
    `due: ${describeDue(plan, metagraph.block)}`,
    "",
    describeRows(plan, miners),
    ...(attempts.length === 0
      ? ["no attempt yet"]
      : [
          "the latest attempts:",
          table([
            ["at", "block", "weights", "outcome", "said"],
            ...attempts
              .slice(0, attemptsShown)
              .map((attempt) => [
                new Date(attempt.at).toISOString(),
                attempt.includedBlock ?? attempt.block,
                attempt.rows.length,
                attempt.outcome ?? "not known",
                attempt.revealRound === undefined
                  ? attempt.message
                  : `revealed with round ${attempt.revealRound}`,
              ]),
          ]),
        ]),
    "",
  ].join("\n");
}

function describeNeuron({ neuron }: Plan, hotkey: string): string {
  if (neuron === undefined) {
    return `validator ${hotkey}, which is not registered`;
  }
  const permit = neuron.validatorPermit ? "a permit" : "no permit";
  return `validator ${hotkey} (uid ${neuron.uid}, ${neuron.stakeTao} TAO, ${permit})`;
}

function describeSubnet(hyperparameters: Hyperparameters): string {
  const { tempo, weightsRateLimit, weightsVersion, minAllowedWeights } = hyperparameters;
  const how = hyperparameters.commitRevealEnabled
    ? `committed, revealed after ${hyperparameters.commitRevealPeriod} epochs`
    : "set in the open";
  return (
    `weights are ${how}, ${minAllowedWeights} or more, every ${weightsRateLimit} blocks at most; ` +
    `an epoch has ${tempo} blocks; version ${weightsVersion} or later`
  );
}

function describeOnChain(
  onChain: ReadonlyMap<number, number>,
  attempts: readonly WeightAttempt[],
): string {
  if (onChain.size === 0) {
    return "no weights of this validator";
  }
  const attempt = attempts.find(({ rows }) => isSame(rows, onChain));
  return attempt === undefined
    ? `${onChain.size} weights, which no attempt of this data directory sent`
    : `${onChain.size} weights, those sent at block ${attempt.includedBlock ?? attempt.block}`;
}

function describeDue({ due, weights, neuron }: Plan, block: number): string {
  switch (due.kind) {
    case "barred":
      return `never, ${due.reason}`;
    case "later":
      return `at block ${due.atBlock}, in ${due.atBlock - block} (last at ${neuron?.lastUpdate})`;
    case "now":
      return weights.kind === "ready" ? "now" : "now, if there were any";
    default:
      throw new TypeError(`unknown due ${String(due satisfies never)}`);
  }
}

function describeRows({ weights }: Plan, miners: ReadonlyMap<number, Miner>): string {
  const weightOf = new Map(
    weights.kind === "ready" ? weights.rows.map(({ uid, weight }) => [uid, weight]) : [],
  );
  const total = [...weightOf.values()].reduce((sum, weight) => sum + weight, 0);
  const known = [...miners].filter(([uid, { scored }]) => scored > 0 || weightOf.has(uid));
  const rows = known.map(([uid, miner]) => {
    const weight = weightOf.get(uid) ?? 0;
    const share = total === 0 ? "" : `${((100 * weight) / total).toFixed(2)} %`;
    return [
      ...[uid, miner.hotkey, miner.observations, miner.scored],
      ...[miner.averageFidelity.toFixed(4), miner.reward.toFixed(4), weight, share],
    ];
  });
  const heading = ["uid", "hotkey", "accepted", "scored", "average", "reward", "weight", "share"];
  const why = weights.kind === "ready" ? weights.steps.join("; ") : `no weights: ${weights.reason}`;
  return `${rows.length === 0 ? "" : table([heading, ...rows])}${why}\n`;
}
