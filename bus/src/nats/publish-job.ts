import type { MsgHdrs } from "@nats-io/transport-node";
import type { RenderScoreJob } from "@turntable/proto";
import { jobSubject } from "../contract.ts";
import { parseQueueableJob } from "../job-identity.ts";
import type { AssetStore } from "./assets.ts";
import type { NatsLink } from "./link.ts";
import { encodeInline, encodeWithObject } from "./messages.ts";

export interface PublishedJob {
  /** Its place in the stream of jobs. */
  readonly sequence: number;
  /** Its asset is in the object store. */
  readonly hasObject: boolean;
}

/**
 * Stores a job in its stream, and its asset beside it where a message cannot carry it (Q7).
 * @param id message id; also the asset's name, since each queueing has an object of its own, which goes with its own
 * result
 * @throws InvalidJobError, QueueUnavailableError
 */
export async function publishJob(
  link: NatsLink,
  assets: AssetStore,
  job: RenderScoreJob,
  id: string,
  headers: MsgHdrs,
): Promise<PublishedJob> {
  const queueable = parseQueueableJob(job);
  const subject = jobSubject(queueable.jobClass, job.profile);
  const maxPayload = link.maxPayloadBytes();
  const inline = encodeInline(queueable, maxPayload);
  if (inline !== undefined) {
    const { sequence } = await link.publish(subject, inline, headers);
    return { sequence, hasObject: false };
  }
  const payload = encodeWithObject(job, id, maxPayload);
  const isNew = await assets.put(id, queueable.asset, job.assetSha256);
  const { duplicate, sequence } = await link.publish(subject, payload, headers);
  if (duplicate && isNew) {
    // The first one has been done and its object removed.
    await assets.remove(id);
  }
  return { sequence, hasObject: true };
}
