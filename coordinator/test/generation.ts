/** GenerationService's RPCs without a socket: real tasks in a store of their own, a clock that the test drives. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ClientCall } from "../src/api/access.ts";
import type { GenerationOptions } from "../src/api/generation/index.ts";
import { openStore } from "../src/store/index.ts";
import { createTasks, type Task, type Tasks } from "../src/tasks/index.ts";

type Submitted = NonNullable<ReturnType<GenerationOptions["submissionOf"]>>;

export const validatorHotkey = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty";
export const minerHotkey = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";

/** What a miner handed in, with an asset of these bytes' hash. */
export const submitted: Submitted = {
  validator: "",
  assetSha256: "ab".repeat(32),
  assetSizeBytes: 3,
  assetKept: true,
  format: "ply",
  formatVersion: 0,
  compression: 0,
  submitTime: 1_700_000_000_123_456_789n,
  signature: new Uint8Array(64),
};

export interface OpenGeneration extends Disposable {
  readonly options: GenerationOptions;
  readonly tasks: Tasks;
  /** Ends all streams, with this reason. */
  stop(reason: Error): void;
  /** A task of this client. */
  create(client?: string, prompt?: string): Task;
  /** One miner takes the oldest open task, submits, and gets this verdict; the assignment's id. */
  judged(kind: "accepted" | "rejected", score: number, hotkey?: string): string;
}

export function openGeneration(change: Partial<GenerationOptions> = {}): OpenGeneration {
  const directory = mkdtempSync(join(tmpdir(), "turntable-api-"));
  const store = openStore(directory);
  const tasks = createTasks({
    store,
    taskTimeoutMs: 600_000,
    leaseMs: 240_000,
    leastLoanMs: 90_000,
    faultTries: 2,
    organicCopies: 1,
    organicFinishMs: 60_000,
    failExhausted: false,
    maxOpenTasks: 3,
  });
  const stopping = new AbortController();
  let nowMs = 1_700_000_000_000;
  const now = (): number => nowMs++;
  const options: GenerationOptions = {
    tasks,
    cancelTask: (taskId) => tasks.cancel(taskId, now()),
    validatorHotkey,
    submissionOf: () => submitted,
    reportOf: () => undefined,
    readAsset: async () => ReadableStream.from([Uint8Array.of(1, 2, 3)]),
    maxPromptChars: 20,
    stop: stopping.signal,
    now,
    ...change,
  };
  return {
    options,
    tasks,
    stop: (reason) => stopping.abort(reason),
    create(client = "alice", prompt = "a red cube") {
      const outcome = tasks.create({ class: "organic", prompt, client }, now());
      return outcome.kind === "created" ? outcome.task : assert.fail(outcome.kind);
    },
    judged(kind, score, hotkey = minerHotkey) {
      const assignment = tasks.assignOrganic(hotkey, now()) ?? assert.fail("no task to take");
      tasks.markSubmitted(assignment.id, now());
      tasks.applyVerdict(assignment.id, { kind, score }, now());
      return assignment.id;
    },
    [Symbol.dispose]() {
      tasks[Symbol.dispose]();
      store[Symbol.dispose]();
      rmSync(directory, { recursive: true });
    },
  };
}

/** A call by this client, which can leave. */
export function callBy(client: string, signal = new AbortController().signal): ClientCall {
  return {
    client,
    readsAll: false,
    signal,
    path: "/turntable.v1.GenerationService/Test",
    headers: { get: () => undefined },
  };
}

/** Whether an error is an answer with this code, its text matching. */
export function refusedWith(code: number, text: RegExp = /./) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof Error && "code" in error, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, text);
    return true;
  };
}
