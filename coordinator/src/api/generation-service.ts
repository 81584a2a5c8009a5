import type { GenerationService, ScoreReport } from "@turntable/proto";
import type { CallContext, Handlers } from "@turntable/proto/grpc";
import type { Submission } from "../submissions/index.ts";
import { isEnded, isOpen, type Task, type Tasks } from "../tasks/index.ts";
import {
  alreadyExists,
  exhausted,
  failedPrecondition,
  invalidArgument,
  notFound,
  tooLarge,
} from "./errors.ts";
import { assetMessage, eventMessage, taskMessage } from "./messages.ts";

export interface GenerationOptions {
  readonly tasks: Tasks;
  /** Stands for the validator of submissions that do not say whose axon took them; ss58. */
  readonly validatorHotkey: string;
  /** A submission by its id, which is its assignment's. */
  readonly submissionOf: (id: string) => Submission | undefined;
  /** A report by its submission's id; undefined when that was not scored. */
  readonly reportOf: (id: string) => ScoreReport | undefined;
  /** An asset by its SHA-256 in hex; undefined when it is gone. */
  readonly loadAsset: (sha256: string) => Promise<Uint8Array | undefined>;
  /** Longest prompt, in characters (code points). */
  readonly maxPromptChars: number;
  /** Aborted to end the streams; its reason, an RpcError, goes to their callers. */
  readonly stop: AbortSignal;
  /** ms since 1970 UTC */
  readonly now: () => number;
}

/** A call by a client that the API knows. */
export interface ClientCall extends CallContext {
  /** Name of the API key, or `anonymous` where none are needed. */
  readonly client: string;
}

/** Longest idempotency key, in UTF-16 units. */
const maxIdempotencyKeyChars = 128;
/** Tasks a page of the list. */
const defaultPageSize = 50;
const maxPageSize = 500;
/** Largest piece of an asset in one message. */
const chunkBytes = 1024 * 1024;
/** When a client that found no room is told to come back: until then a few tasks will have ended, in ms. */
const fullRetryMs = 5_000;

/** The handlers of the public API; what they refuse is thrown as an RpcError of errors.ts. */
export function generationHandlers(
  options: GenerationOptions,
): Handlers<typeof GenerationService, ClientCall> {
  const { tasks } = options;
  /** Finds a task of the caller's own. Other clients' tasks look as if they did not exist. */
  const find = (taskId: string, { client }: ClientCall): Task => {
    const task = tasks.get(taskId);
    if (task === undefined || task.client !== client)
      throw notFound(`no task "${taskId.slice(0, 64)}"`);
    return task;
  };
  const assetOf = (task: Task) => {
    const assignment = task.assignments.find(({ id }) => id === task.bestAssignment);
    const submission = assignment === undefined ? undefined : options.submissionOf(assignment.id);
    if (assignment === undefined || submission === undefined) return undefined;
    const validator = submission.validator || options.validatorHotkey;
    const message = assetMessage(task, assignment, submission, validator);
    return { message, sha256: submission.assetSha256 };
  };
  const messageOf = (task: Task) => taskMessage(task, assetOf(task)?.message);

  return {
    async createTask(request, { client }) {
      checkPrompt(request.prompt, options.maxPromptChars);
      if (request.idempotencyKey.length > maxIdempotencyKeyChars) {
        throw tooLarge(
          "idempotency_key",
          `has ${request.idempotencyKey.length} characters; at most ${maxIdempotencyKeyChars} are allowed`,
        );
      }
      const outcome = tasks.create(
        {
          class: "organic",
          prompt: request.prompt,
          client,
          idempotencyKey: request.idempotencyKey || undefined,
        },
        options.now(),
      );
      switch (outcome.kind) {
        case "created":
        case "repeated":
          return { task: messageOf(outcome.task) };
        case "conflict":
          throw alreadyExists(
            "idempotency_key was used with another prompt; use a new key for a new task",
          );
        case "full":
          throw exhausted(
            "tasks",
            `${outcome.limit} tasks are open, which is the limit; try again when some have ended`,
            fullRetryMs,
          );
        default:
          throw new TypeError(`unknown outcome ${String(outcome satisfies never)}`);
      }
    },
    async getTask(request, call) {
      return { task: messageOf(find(request.taskId, call)) };
    },
    async listTasks(request, { client }) {
      const size = Math.min(request.pageSize || defaultPageSize, maxPageSize);
      const found = tasks.list(client, size + 1, request.pageToken || undefined);
      if (found === undefined)
        throw invalidArgument("page_token", "is not one of ours; start without");
      const page = found.slice(0, size);
      return {
        tasks: page.map(messageOf),
        nextPageToken: found.length > size ? (page.at(-1)?.id ?? "") : "",
      };
    },
    async *watchTask(request, call) {
      find(request.taskId, call);
      // A sequence number beyond 2^53 is beyond every task's last one all the same.
      const after = Number(request.afterSequence);
      const either = AbortSignal.any([call.signal, options.stop]);
      for await (const event of tasks.watch(request.taskId, after, either)) {
        yield eventMessage(event);
      }
      // A watch that was cut short must not look like one that came to its end.
      options.stop.throwIfAborted();
    },
    async *downloadAsset(request, call) {
      const task = find(request.taskId, call);
      const asset = assetOf(task);
      if (asset === undefined) {
        throw failedPrecondition(
          task.state === "failed"
            ? `task ${task.id} failed: ${task.failure?.message ?? ""}`
            : `task ${task.id} is ${task.state} and has no result yet; watch it until it has succeeded`,
        );
      }
      const bytes = await options.loadAsset(asset.sha256);
      if (bytes === undefined) throw new Error(`the asset ${asset.sha256} is gone`);
      yield { part: { case: "asset", value: asset.message } };
      for (let at = 0; at < bytes.length; at += chunkBytes) {
        yield { part: { case: "chunk", value: bytes.subarray(at, at + chunkBytes) } };
      }
    },
    async getReport(request, call) {
      const task = find(request.taskId, call);
      // The cameras are no secret any more then, so no miner may still be able to make use of them.
      if (!isEnded(task.state) || task.assignments.some(isOpen)) {
        throw failedPrecondition(
          `task ${task.id} is ${task.state}; its report is published when it has ended and no miner works on it`,
        );
      }
      const scored = task.assignments.filter(({ score }) => score !== undefined);
      const best = scored.toSorted((a, b) => (b.score ?? 0) - (a.score ?? 0))[0];
      const report = options.reportOf(task.bestAssignment ?? best?.id ?? "");
      if (report === undefined) throw notFound(`nothing of task ${task.id} was scored`);
      return { report };
    },
  };
}

function checkPrompt(prompt: string, maxChars: number): void {
  if (prompt.trim() === "") throw invalidArgument("prompt", "is empty; say what to make");
  if (/\p{Cc}/u.test(prompt)) {
    throw invalidArgument(
      "prompt",
      "has control characters (a line break, say); give one line of text",
    );
  }
  if (prompt.length <= maxChars) return; // characters are at most as many as UTF-16 units
  const chars = [...prompt].length;
  if (chars > maxChars) {
    throw tooLarge("prompt", `has ${chars} characters; at most ${maxChars} are allowed`);
  }
}
