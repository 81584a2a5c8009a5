/** Miners, as everybody may see them. */
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { adviceOf } from "../../rules/index.ts";
import { invalidArgument, notFound, tooLarge } from "../errors.ts";
import { numberToken, pageOf, pageSizeOf } from "../pages.ts";
import { minerMessage } from "./overview.ts";
import { maxPageSize, type Rpc, type SubnetOptions } from "./service.ts";
import type { Visible } from "./visible.ts";

/** As many as a chart is pixels wide and more would not show. */
const maxPoints = 200;
const maxFilters = 10;

/** Where a miner stands, how it came there and what would raise its reward. */
export function getPublicMiner(options: SubnetOptions): Rpc<"getPublicMiner"> {
  const { miners, rules, now, overview } = options;
  return async ({ hotkey }) => {
    checkHotkey(options, hotkey);
    const at = now();
    const registered = miners.isRegistered(hotkey);
    const tallies = miners.tallies(hotkey);
    if (!registered && tallies.length === 0) {
      throw notFound(`no miner ${hotkey}: it is not registered here, and nothing is known of it`);
    }
    const miner = miners.leader(hotkey, at);
    const { rank } = miner;
    const ahead = rank === undefined ? undefined : overview.leaders(at)[rank - 2];
    const { reward, observations, averageFidelity } = miner;
    const points = [
      ...miners.points(hotkey, maxPoints - 1),
      { at, reward, observations, averageFidelity },
    ];
    return {
      miner: minerMessage(miner, at),
      rewards: points.map(({ at: time, ...point }) => ({ ...point, time: timestampFromMs(time) })),
      weights: miners.weights().map(({ at: time, netuid, shares }) => ({
        ...{ netuid, time: timestampFromMs(time), weightShare: shares.get(hotkey) ?? 0 },
      })),
      verdicts: [...tallies],
      advice: [...adviceOf(rules, { ...miner, nextReward: ahead?.reward })],
      registered,
      cooldownViolations: BigInt(miner.cooldownViolations),
      violations: BigInt(miner.violations),
      silences: BigInt(miner.silences),
    };
  };
}

/** A miner's verdicts, newest first. */
export function listPublicVerdicts(
  options: SubnetOptions,
  visible: Visible,
): Rpc<"listPublicVerdicts"> {
  return async ({ hotkey, pageSize, pageToken, verdicts, codes }) => {
    checkHotkey(options, hotkey);
    for (const [field, words] of [
      ["verdicts", verdicts],
      ["codes", codes],
    ] as const) {
      if (words.length > maxFilters) {
        throw tooLarge(field, `has ${words.length} words; at most ${maxFilters} are allowed`);
      }
    }
    const size = pageSizeOf(pageSize, maxPageSize);
    const filter = { verdicts, codes };
    const found = options.miners.verdicts(hotkey, size + 1, numberToken(pageToken), filter);
    const { items, nextPageToken } = pageOf(found, size, ({ number }) => String(number));
    return {
      verdicts: items
        .map((entry) => visible.verdict(entry))
        .map((entry) => ({
          time: timestampFromMs(entry.at),
          verdict: entry.verdict,
          code: entry.code,
          reason: entry.reason,
          score: entry.score,
          fidelity: entry.fidelity,
          averageFidelity: entry.averageFidelity,
          observations: entry.observations,
          reward: entry.reward,
          taskId: entry.copy?.taskId ?? "",
          copyId: entry.copy?.id ?? "",
        })),
      nextPageToken,
    };
  };
}

function checkHotkey({ miners }: SubnetOptions, hotkey: string): void {
  if (!miners.isHotkey(hotkey)) {
    throw invalidArgument("hotkey", "is not an ss58 address");
  }
}
