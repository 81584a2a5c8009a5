/**
 * What a job, a result and a dead letter are told apart by, the same whatever carries them, and what makes a job
 * fit to travel.
 */

import type { RenderScoreJob, RenderScoreResult } from "@turntable/proto";
import { JobClass } from "@turntable/proto";
import type { JobClassName } from "./contract.ts";
import { InvalidJobError } from "./contract.ts";

/** Ids and profile names become parts of subjects and object names, where dots, spaces and wildcards mean something. */
const token = /^[A-Za-z0-9_-]{1,128}$/;

/** A job that can be queued, and the parts of it that queueing needs. */
export interface QueueableJob {
  readonly job: RenderScoreJob;
  readonly jobClass: JobClassName;
  readonly asset: Uint8Array;
}

/** @throws InvalidJobError */
export function parseQueueableJob(job: RenderScoreJob): QueueableJob {
  checkToken("job_id", job.jobId);
  checkToken("profile", job.profile);
  if (job.asset.case !== "inlineAsset") {
    throw new InvalidJobError(
      `job ${job.jobId} has no inline asset; set inline_asset to the bytes`,
    );
  }
  return { job, jobClass: jobClassOf(job), asset: job.asset.value };
}

/** @throws InvalidJobError when the class is not set */
export function jobClassOf(job: RenderScoreJob): JobClassName {
  switch (job.class) {
    case JobClass.ORGANIC:
      return "organic";
    case JobClass.SCORING:
      return "scoring";
    case JobClass.SYNTHETIC:
      return "synthetic";
    default:
      throw new InvalidJobError(`job ${job.jobId} has no class; set organic, scoring or synthetic`);
  }
}

/** `<job id>.<replica>`: also the message id of a result. */
export function replicaId(
  of: Pick<RenderScoreJob | RenderScoreResult, "jobId" | "replica">,
): string {
  return `${of.jobId}.${of.replica}`;
}

/** Message id of a job that was queued for the `dispatch`-th time. */
export function dispatchId(job: RenderScoreJob, dispatch: number): string {
  return `${replicaId(job)}.${dispatch}`;
}

export function isToken(value: string): boolean {
  return token.test(value);
}

function checkToken(field: string, value: string): void {
  if (!isToken(value)) {
    throw new InvalidJobError(
      `${field} ${JSON.stringify(value.slice(0, 140))} is not a token: 1 to 128 of letters, digits, "_" and "-"`,
    );
  }
}
