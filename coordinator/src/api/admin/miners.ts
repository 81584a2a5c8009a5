import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { MinerStandingSchema } from "@turntable/proto";
import { invalidArgument } from "../errors.ts";
import { numberToken, pageOf, pageSizeOf } from "../pages.ts";
import type { AdminOptions, Rpc } from "./service.ts";

/** Every miner with a record, by hotkey. */
export function listMiners(options: AdminOptions): Rpc<"listMiners"> {
  return async ({ pageSize, pageToken }) => {
    const size = pageSizeOf(pageSize);
    const found = options.miners.after(pageToken, size + 1);
    const { items, nextPageToken } = pageOf(found, size, (hotkey) => hotkey);
    return { miners: items.map((hotkey) => standingOf(options, hotkey)), nextPageToken };
  };
}

/** Where one miner stands. */
export function getMiner(options: AdminOptions): Rpc<"getMiner"> {
  return async ({ hotkey }) => {
    checkHotkey(options, hotkey);
    return { miner: standingOf(options, hotkey) };
  };
}

/** A miner's verdicts, newest first. */
export function listMinerVerdicts(options: AdminOptions): Rpc<"listMinerVerdicts"> {
  return async ({ hotkey, pageSize, pageToken }) => {
    checkHotkey(options, hotkey);
    const size = pageSizeOf(pageSize);
    const found = options.miners.verdicts(hotkey, size + 1, numberToken(pageToken));
    const { items, nextPageToken } = pageOf(found, size, ({ number }) => String(number));
    const verdicts = items.map((entry) => ({
      time: timestampFromMs(entry.at),
      assignmentId: entry.assignmentId ?? "",
      verdict: entry.verdict,
      code: entry.code,
      reason: entry.reason,
      score: entry.score,
      fidelity: entry.fidelity,
      averageFidelity: entry.averageFidelity,
      observations: entry.observations,
      reward: entry.reward,
      cooldownEndTime: timestampFromMs(entry.cooldownUntil),
    }));
    return { verdicts, nextPageToken };
  };
}

function checkHotkey({ miners }: AdminOptions, hotkey: string): void {
  if (!miners.isHotkey(hotkey)) {
    throw invalidArgument("hotkey", "is not an ss58 address");
  }
}

function standingOf(
  { miners, now }: AdminOptions,
  hotkey: string,
): MessageInitShape<typeof MinerStandingSchema> {
  const at = now();
  const miner = miners.get(hotkey, at);
  return {
    hotkey,
    reward: miner.reward,
    observations: miner.observations,
    scored: miner.scored,
    averageFidelity: miner.averageFidelity,
    ...(miner.cooldownUntil <= at ? {} : { cooldownEndTime: timestampFromMs(miner.cooldownUntil) }),
    cooldownViolations: BigInt(miner.cooldownViolations),
    violations: BigInt(miner.violations),
    silences: BigInt(miner.silences),
    registered: miners.isRegistered(hotkey),
  };
}
