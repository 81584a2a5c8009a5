import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { FaultCause, JobClass } from "@turntable/proto";
import { notFound } from "../errors.ts";
import { pageOfList } from "../pages.ts";
import type { AdminOptions, Rpc } from "./service.ts";

const classNames = new Map<JobClass, string>([
  [JobClass.ORGANIC, "organic"],
  [JobClass.SCORING, "scoring"],
  [JobClass.SYNTHETIC, "synthetic"],
]);

const causeNames = new Map<FaultCause, string>([
  [FaultCause.TRIES, "tries"],
  [FaultCause.SILENCE, "silence"],
  [FaultCause.HOPELESS, "hopeless"],
  [FaultCause.UNREADABLE, "unreadable"],
  [FaultCause.NOBODY_ELSE, "nobody-else"],
]);

/** Jobs that were given up, oldest first. */
export function listDeadLetters({ deadLetters }: AdminOptions): Rpc<"listDeadLetters"> {
  return async (request) => {
    const { items, nextPageToken } = pageOfList(await deadLetters.list(), request);
    const told = items.map(({ job, reason, cause, attempts, at }) => ({
      jobId: job.jobId,
      taskId: job.taskId,
      jobClass: classNames.get(job.class) ?? "",
      replica: job.replica,
      prompt: job.prompt,
      assetSizeBytes: job.assetSizeBytes,
      reason,
      cause: causeNames.get(cause) ?? "",
      attempts,
      time: timestampFromDate(at),
    }));
    return { deadLetters: told, nextPageToken };
  };
}

/** Queues a job that was given up again. */
export function replayDeadLetter({ deadLetters }: AdminOptions): Rpc<"replayDeadLetter"> {
  return async ({ jobId }) => {
    if (!(await deadLetters.replay(jobId))) {
      throw notFound(`no dead letter of a job "${jobId.slice(0, 64)}", or it was replayed`);
    }
    return {};
  };
}
