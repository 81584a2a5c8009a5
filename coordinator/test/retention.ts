/** Retention on the coordinator's rules, for tests: `score` plays client, miner and worker. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { createRetention, defaultRetention, type RetentionLimits } from "../src/retention/index.ts";
import { openRules, rules } from "./rules.ts";

export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;

/** @param change of the default limits */
export async function openRetention(
  change: Partial<RetentionLimits> = {},
  {
    duplicateWindowMs = 0,
    ...options
  }: { readonly duplicateWindowMs?: number } & Parameters<typeof openRules>[0] = {},
) {
  const subnet = await openRules(options);
  const retention = createRetention({
    ...{ store: subnet.store, assets: subnet.assets, keepsAsset: subnet.submissions.keepsAsset },
    limits: { ...defaultRetention, ...change },
    ...{ windowMs: rules.windowMs, duplicateWindowMs },
  });
  return {
    ...{ subnet, retention },
    /** A task of a client, or a synthetic one, that was scored; gives its ids. */
    async score(
      score: number,
      now: number,
      taskClass: "organic" | "synthetic",
      bytes?: Uint8Array,
    ) {
      const { tasks, submissions } = subnet;
      const made = tasks.create({ class: taskClass, prompt: "a red cube", client: "ann" }, now);
      const taskId = made.kind === "created" ? made.task.id : assert.fail();
      const { id, assetSha256, assetSizeBytes } = await subnet.submit(taskId, "A", now, bytes);
      retention.added(assetSizeBytes);
      submissions.applyResult(subnet.scored(id, score), now);
      return { taskId, id, assetSha256 };
    },
    files: () => readdirSync(subnet.assetsDir),
    [Symbol.dispose]: () => subnet[Symbol.dispose](),
  };
}

/** Text as bytes, filled up to `length`. */
export const bytesOf = (text: string, length = 10): Uint8Array => Buffer.from(text.padEnd(length));
