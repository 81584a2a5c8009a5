/** What the RPCs of GenerationService share: their types, whose tasks are whose, and how a task is told. */
import type { GenerationService, ScoreReport } from "@turntable/proto";
import type { Handler } from "@turntable/proto/rpc";
import type { CancelOutcome, Task, Tasks } from "../../tasks/index.ts";
import type { ClientCall } from "../access.ts";
import type { DownloadOptions } from "../downloads.ts";
import { notFound } from "../errors.ts";
import type { SubmittedAsset } from "../messages.ts";

export interface GenerationOptions extends DownloadOptions {
  readonly tasks: Tasks;
  /** Ends a task with all that is open of it. */
  readonly cancelTask: (taskId: string) => CancelOutcome;
  /** Stands for the validator of submissions that do not say whose axon took them; ss58. */
  readonly validatorHotkey: string;
  /** A submission by its id, which is its assignment's. */
  readonly submissionOf: (id: string) => SubmittedAsset | undefined;
  /** A report by its submission's id; undefined when that was not scored. */
  readonly reportOf: (id: string) => ScoreReport | undefined;
  /** Longest prompt, in characters (code points). */
  readonly maxPromptChars: number;
  /** Why no task can be taken now; undefined when they are. */
  readonly takesNothing?: () => string | undefined;
  /** A watch is handed over to another connection after so long, in ms; never when absent. */
  readonly maxWatchMs?: number;
  /** Aborted to end the streams; its reason, an RpcError, goes to their callers. */
  readonly stop: AbortSignal;
  /** ms since 1970 UTC */
  readonly now: () => number;
}

type Methods = (typeof GenerationService)["method"];
/** The handler of one RPC. */
export type Rpc<Name extends keyof Methods> = Handler<Methods[Name], ClientCall>;

/** How many characters of an id that is not ours an answer repeats. */
const maxIdChars = 64;

/**
 * A client's own task: those of others are not there for it, unless it may read all.
 * @throws RpcError NOT_FOUND
 */
export function findTask(
  tasks: Pick<Tasks, "get">,
  taskId: string,
  { client, readsAll }: Pick<ClientCall, "client" | "readsAll">,
): Task {
  const task = tasks.get(taskId);
  if (task === undefined || (task.client !== client && !readsAll)) {
    throw notFound(
      `no task "${taskId.slice(0, maxIdChars)}": there never was one, or it was removed some time after its end`,
    );
  }
  return task;
}
