/** `turntable-coordinator miners [HOTKEY]`: where the miners stand, and why one of them earned what it earned. */
import { createMinerReader, historyOf, knownMiners, type Miner } from "../miners/index.ts";
import type { RuleSet } from "../rules/index.ts";
import { openStoreReader, type StoreReader } from "../store/index.ts";
import { readAttempts, type WeightAttempt } from "../weights/index.ts";
import { type Command, table } from "./command.ts";

/** How many of one miner's verdicts are shown: the latest. */
const historyCount = 50;

export const minersCommand: Command = {
  summary: "where the miners stand; with a HOTKEY its verdicts, and what followed from each",
  usage: "miners [HOTKEY]",
  flags: [],
  freeWords: 1,
  async run({ config, words: [hotkey], rules, print, now }) {
    using store = openStoreReader(config.dataDir);
    await print(
      hotkey === undefined
        ? describeMiners(store, rules, now())
        : describeMiner(store, rules, hotkey, now()),
    );
    return 0;
  },
};

/** @param now ms since 1970 UTC */
export function describeMiners(store: StoreReader, rules: RuleSet, now: number): string {
  const { get } = createMinerReader(store, rules);
  const miners = [...knownMiners(store)]
    .map((hotkey) => get(hotkey, now))
    .toSorted((a, b) => b.reward - a.reward);
  if (miners.length === 0) {
    return "no miner has submitted anything yet\n";
  }
  return table([
    [
      ...["hotkey", "reward", "accepted", "scored", "rate", "average"],
      ...(rules.duels.perHour > 0 ? ["rating"] : []),
      ...["cooldown", "violations"],
    ],
    ...miners.map((miner) => [
      ...[miner.hotkey, miner.reward.toFixed(4), miner.observations, miner.scored],
      ...[rateOf(miner), miner.averageFidelity.toFixed(4)],
      ...(rules.duels.perHour > 0 ? [Math.round(miner.duelRating)] : []),
      ...[cooldownOf(miner, now), miner.violations],
    ]),
  ]);
}

/** @param now ms since 1970 UTC */
export function describeMiner(
  store: StoreReader,
  rules: RuleSet,
  hotkey: string,
  now: number,
): string {
  const miner = createMinerReader(store, rules).get(hotkey, now);
  const entries = historyOf(store, hotkey, historyCount);
  const oldest = entries.at(-1);
  const sets = oldest === undefined ? [] : readAttempts(store).included(oldest.at - 1);
  const standing =
    `${hotkey}, rules ${rules.name}: reward ${miner.reward.toFixed(4)} = ${miner.observations} accepted × ` +
    `${qualityOf(miner, rules)}; ${rateOf(miner)} of ${miner.scored} scored were accepted; ` +
    `cooldown ${cooldownOf(miner, now)}, ${miner.cooldownViolations} pulls during cooldowns, ` +
    `${miner.violations} violations\n`;
  if (entries.length === 0) {
    return `${standing}no verdict within a month\n`;
  }
  return `${standing}${table([
    [
      ...["at", "verdict", "why", "score", "fidelity", "average", "accepted", "reward"],
      ...["cooldown", "weight", "said"],
    ],
    ...entries.map((entry) => [
      ...[new Date(entry.at).toISOString(), entry.verdict, entry.code],
      ...[entry.score.toFixed(4), entry.fidelity.toFixed(4), entry.averageFidelity.toFixed(4)],
      ...[entry.observations, entry.reward.toFixed(4)],
      `${Math.max(0, Math.round((entry.cooldownUntil - entry.at) / 1000))} s`,
      weightAfter(sets, hotkey, entry.at),
      entry.reason,
    ]),
  ])}`;
}

/** The weight that the hotkey had when weights were next set: `weight@block`. */
function weightAfter(sets: readonly WeightAttempt[], hotkey: string, at: number): string {
  const next = sets.find((set) => set.at >= at);
  if (next === undefined) {
    return "none yet";
  }
  const weight = next.rows.find((row) => row.hotkey === hotkey)?.weight ?? 0;
  return `${weight}@${next.includedBlock ?? next.block}`;
}

/** What accepted results are multiplied with, and what there is beside it. */
function qualityOf({ averageFidelity, duelRating }: Miner, { duels }: RuleSet): string {
  const average = `average ${averageFidelity.toFixed(4)}`;
  const rating = `duel rating ${Math.round(duelRating)}`;
  if (duels.perHour === 0) {
    return average;
  }
  return duels.rewarded ? `${rating} (${average})` : `${average} (${rating})`;
}

function rateOf({ observations, scored }: Miner): string {
  return scored === 0 ? "-" : `${Math.round((100 * observations) / scored)} %`;
}

function cooldownOf({ cooldownUntil }: Miner, now: number): string {
  return cooldownUntil <= now ? "-" : `${Math.ceil((cooldownUntil - now) / 1000)} s`;
}
