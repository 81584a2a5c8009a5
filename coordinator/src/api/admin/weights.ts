import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { WeightsDue } from "@turntable/proto";
import { notFound } from "../errors.ts";
import { numberToken, pageOf, pageSizeOf } from "../pages.ts";
import type { AdminOptions, Rpc } from "./service.ts";

const dues = {
  now: WeightsDue.NOW,
  later: WeightsDue.LATER,
  barred: WeightsDue.BARRED,
} as const;

/** What would be set as weights now, and why. */
export function planWeights(options: AdminOptions): Rpc<"planWeights"> {
  return async ({ netuid }) => {
    const plan = await options.weights.plan(netuid);
    if (plan === undefined) {
      throw noAxon(netuid);
    }
    const { due, weights, hotkeys } = plan;
    const at = options.now();
    const weightOf = new Map(
      weights.kind === "ready" ? weights.rows.map(({ uid, weight }) => [uid, weight]) : [],
    );
    const rows = [...hotkeys].flatMap(([uid, hotkey]) => {
      const miner = options.miners.get(hotkey, at);
      const weight = weightOf.get(uid);
      const { reward, observations, scored, averageFidelity } = miner;
      return scored === 0 && weight === undefined
        ? []
        : [
            {
              ...{ uid, hotkey, weight: weight ?? 0 },
              ...{ reward, observations, scored, averageFidelity },
            },
          ];
    });
    return {
      netuid: plan.netuid,
      hotkey: plan.hotkey,
      block: BigInt(plan.block),
      due: dues[due.kind],
      barredReason: due.kind === "barred" ? due.reason : "",
      dueBlock: due.kind === "later" ? BigInt(due.atBlock) : 0n,
      weights: rows,
      steps: weights.kind === "ready" ? [...weights.steps] : [weights.reason],
    };
  };
}

/** What was sent as weights, newest first. */
export function listWeightAttempts(options: AdminOptions): Rpc<"listWeightAttempts"> {
  return async ({ netuid, pageSize, pageToken }) => {
    const size = pageSizeOf(pageSize);
    const found = options.weights.attempts(netuid, size + 1, numberToken(pageToken));
    if (found === undefined) {
      throw noAxon(netuid);
    }
    const { items, nextPageToken } = pageOf(found, size, ({ id }) => String(id));
    const attempts = items.map(({ at, block, outcome, message, rows, ...rest }) => ({
      time: timestampFromMs(at),
      block: BigInt(block),
      outcome: outcome ?? "",
      message,
      ...(rest.includedBlock === undefined ? {} : { includedBlock: BigInt(rest.includedBlock) }),
      ...(rest.revealRound === undefined ? {} : { revealRound: BigInt(rest.revealRound) }),
      weights: rows.map(({ uid, hotkey, weight }) => ({ uid, hotkey, weight })),
    }));
    return { attempts, nextPageToken };
  };
}

const noAxon = (netuid: number | undefined): Error =>
  notFound(`no axon of ours is on subnet ${netuid}`);
