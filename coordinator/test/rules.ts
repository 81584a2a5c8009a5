/** The coordinator's rules and memory without sockets, for tests: `scored` plays the workers. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { keypairFromUri, ready } from "@turntable/bittensor/keys";
import { RenderScoreResultSchema, ScoreReportSchema } from "@turntable/proto";
import { createMiners } from "../src/miners/index.ts";
import { createReports } from "../src/reports/index.ts";
import { type RuleSet, ruleSets } from "../src/rules/index.ts";
import {
  createStorageQueue,
  defaultStorage,
  type QueueLimits,
  type QueueTarget,
} from "../src/storage/index.ts";
import { openAssetFiles, openStore } from "../src/store/index.ts";
import {
  createSubmissions,
  type DuplicateLimits,
  defaultDuplicateLimits,
  type SubmissionsOptions,
} from "../src/submissions/index.ts";
import { type Assignment, createTasks } from "../src/tasks/index.ts";

await ready();
export const rules = ruleSets.seed;
export const validator = keypairFromUri("//Validator");

type Outcome = NonNullable<MessageInitShape<typeof RenderScoreResultSchema>["outcome"]>;

/** Opens all of it on a folder of its own. */
export async function openRules({
  maxOpenTasks = 100,
  rules = ruleSets.seed,
  duplicates = defaultDuplicateLimits,
  onAccepted = () => {},
  onJudged = () => {},
  storageTargets = [],
  storageLimits = defaultStorage.queue,
}: {
  readonly maxOpenTasks?: number;
  readonly rules?: RuleSet;
  readonly duplicates?: DuplicateLimits;
  readonly onAccepted?: SubmissionsOptions["onAccepted"];
  readonly onJudged?: SubmissionsOptions["onJudged"];
  readonly storageTargets?: readonly QueueTarget[];
  readonly storageLimits?: QueueLimits;
} = {}) {
  const directory = mkdtempSync(join(tmpdir(), "turntable-rules-"));
  const store = openStore(directory);
  const assetsDir = join(directory, "assets");
  const assets = await openAssetFiles(assetsDir);
  const miners = createMiners(store, rules);
  const tasks = createTasks({
    ...{ store, maxOpenTasks, ...rules },
    onSilence: ({ hotkey }, now) => miners.countSilence(hotkey, now),
  });
  const reports = createReports(store, validator);
  const notQueued: string[] = [];
  const storageQueue = createStorageQueue(store, storageTargets, storageLimits, (...what) =>
    notQueued.push(what.join(" ")),
  );
  const submissions = createSubmissions({
    ...{ store, assets, tasks, miners, reports, rules, duplicates, onJudged },
    onAccepted(accepted, now) {
      const { id, assetSha256, assetSizeBytes: sizeBytes } = accepted;
      onAccepted(accepted, now);
      storageQueue.add({ id, assetSha256, sizeBytes }, now);
    },
  });
  const result = (id: string, outcome: Outcome, geometry = new Uint8Array(), replica = 0) =>
    create(RenderScoreResultSchema, { jobId: id, submissionId: id, outcome, geometry, replica });
  const scored = (id: string, score: number, geometry?: Uint8Array<ArrayBuffer>) =>
    result(
      id,
      { case: "scored", value: create(ScoreReportSchema, { score, acceptance: 0.6 }) },
      geometry,
    );
  return {
    ...{ directory, assetsDir, store, assets, tasks, miners, reports, submissions },
    ...{ storageQueue, notQueued },
    result,
    scored,
    /** A client's task. */
    ask(prompt = "a red cube", now = 0, client = "ann"): string {
      const outcome = tasks.create({ class: "organic", prompt, client }, now);
      return outcome.kind === "created" ? outcome.task.id : assert.fail(outcome.kind);
    },
    /** Lends the task to the miner, who hands `bytes` in. */
    async submit(
      taskId: string,
      hotkey = "A",
      now = 0,
      bytes: Uint8Array = Buffer.from(`for ${taskId} by ${hotkey}`),
    ) {
      const assignment = tasks.assign(taskId, hotkey, now);
      const made = await submissions.receive(submissionOf(assignment, bytes), now);
      return made?.submission ?? assert.fail("it was not taken");
    },
    [Symbol.dispose]() {
      tasks[Symbol.dispose]();
      store[Symbol.dispose]();
      rmSync(directory, { recursive: true });
    },
  };
}

/** What `receive` takes, for an assignment. */
export function submissionOf(assignment: Assignment, bytes: Uint8Array) {
  return {
    assignment,
    bytes,
    validator: validator.ss58,
    format: "ply",
    formatVersion: 0,
    compression: 0,
    submitTime: 1_764_000_000_000_000_001n,
    signature: new Uint8Array(64),
    protocolYear: "2024" as const,
  };
}
