/**
 * The subnet's public API of 2024 over the axon: a client that is on the list asks for an asset and comes back for it.
 * Its tasks are those of the gRPC API. Nothing here knows of HTTP; identity is the hotkey that the axon has verified.
 */
import { AxonError } from "@turntable/bittensor/axon";
import { generationStatus } from "@turntable/bittensor/synapse";
import { promptProblem, type Task, type TaskState, type Tasks } from "../tasks/index.ts";
import { createWindowLimit } from "./window-limit.ts";

export interface PublicApiOptions {
  /** Hotkeys (ss58) that may ask. */
  readonly clients: readonly string[];
  readonly tasks: Pick<Tasks, "create" | "get">;
  /** The result of a task that succeeded; undefined when it is gone. */
  readonly loadResult: (task: Task) => Promise<Uint8Array | undefined>;
  /** Longest prompt, in characters (code points). */
  readonly maxPromptChars: number;
  /** ms since 1970 UTC */
  readonly now: () => number;
}

export interface GenerateAnswer {
  readonly task_id: string;
  /** Seconds between two status checks. */
  readonly polling_interval: number;
}

export interface StatusAnswer {
  /** One of `generationStatus`. */
  readonly status: number;
  /** base64 of the asset, with `done` alone. */
  readonly results: string | null;
}

/** `hotkey` is the caller's, ss58; verified but in `stranger`. */
export interface PublicApi {
  /** Why a hotkey, verified or not, may not call; undefined when it may. */
  stranger(hotkey: string): string | undefined;
  /** Counts a request for an asset: why it is one too many, or undefined. */
  limited(hotkey: string): string | undefined;
  /** @throws AxonError for a prompt that cannot be taken, and when there are too many tasks */
  generate(hotkey: string, prompt: string): GenerateAnswer;
  status(hotkey: string, taskId: string): Promise<StatusAnswer>;
}

/** The subnet's own limits: requests of a client within a window, and between two looks at a task. */
const requestsPerWindow = 10;
const windowMs = 120_000;
const pollMs = 30_000;
/** Between two results of a client: nobody is sent one for longer, so that there are never many in memory. */
const resultMs = 10_000;

const statuses = {
  queued: generationStatus.inQueue,
  assigned: generationStatus.inProgress,
  scoring: generationStatus.inProgress,
  succeeded: generationStatus.done,
  failed: generationStatus.failed,
  cancelled: generationStatus.failed,
} as const satisfies Record<TaskState, number>;

export function createPublicApi(options: PublicApiOptions): PublicApi {
  const { tasks, now } = options;
  const clients = new Set(options.clients);
  const requests = createWindowLimit(requestsPerWindow, windowMs, now);
  const polls = createWindowLimit(1, pollMs, now);
  const results = createWindowLimit(1, resultMs, now);

  return {
    stranger: (hotkey) => (clients.has(hotkey) ? undefined : "Not whitelisted"),
    limited: (hotkey) => (requests.take(hotkey) ? undefined : "Rate limit"),
    generate(hotkey, prompt) {
      const found = promptProblem(prompt, options.maxPromptChars);
      if (found !== undefined) {
        throw new AxonError(400, `the prompt ${found.problem}`);
      }
      const made = tasks.create({ class: "organic", prompt, client: clientOf(hotkey) }, now());
      if (made.kind === "created") {
        return { task_id: made.task.id, polling_interval: pollMs / 1000 };
      }
      throw new AxonError(503, "too many tasks are open; try again later");
    },
    async status(hotkey, taskId) {
      const task = tasks.get(taskId);
      if (task === undefined || task.client !== clientOf(hotkey)) {
        return { status: generationStatus.notFound, results: null };
      }
      if (!polls.take(taskId)) {
        return { status: generationStatus.rateLimited, results: null };
      }
      if (task.state !== "succeeded") {
        return { status: statuses[task.state], results: null };
      }
      if (!results.take(hotkey)) {
        return { status: generationStatus.rateLimited, results: null };
      }
      const bytes = await options.loadResult(task);
      return bytes === undefined
        ? { status: generationStatus.failed, results: null }
        : { status: statuses.succeeded, results: Buffer.from(bytes).toString("base64") };
    },
  };
}

/** Whose tasks they are; no name of a gRPC client has a space. */
function clientOf(hotkey: string): string {
  return `hotkey ${hotkey}`;
}
