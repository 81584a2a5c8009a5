/** Who waits for results of jobs of its own, beside the coordinator, over the same pool of workers. */
import { context } from "@opentelemetry/api";
import type { RenderScoreJob, RenderScoreResult } from "@turntable/proto";
import { jobsStream, QueueUnavailableError } from "../contract.ts";
import { dispatchId } from "../job-identity.ts";
import { createAssetStore } from "./assets.ts";
import { openLink } from "./link.ts";
import { decodeResult, jobHeaders } from "./messages.ts";
import type { NatsQueueOptions } from "./options.ts";
import { type PublishedJob, publishJob } from "./publish-job.ts";
import { findOrMakeTopology, topologyOf } from "./topology.ts";

export interface JobCaller extends AsyncDisposable {
  /**
   * Queues a job with an id that was never used, and waits for its result, which nobody else sees: it is not among the
   * coordinator's, and a job that is given up leaves no dead letter. Nothing of it is kept when this process dies.
   * @throws the signal's reason; QueueUnavailableError when the queue is away or goes away, since the result may get
   * lost then; InvalidJobError as `JobQueue.submit`
   */
  call(job: RenderScoreJob, signal: AbortSignal): Promise<RenderScoreResult>;
}

/** @throws as openLink */
export async function connectJobCaller(options: NatsQueueOptions): Promise<JobCaller> {
  const topology = topologyOf(options);
  const link = await openLink({
    ...{ name: "turntable-caller", ...options },
    role: "caller",
    // A pool may have no coordinator; where there is one, what it set up stays as it is.
    prepare: (manager) => findOrMakeTopology(manager, topology),
  });
  const assets = createAssetStore(link);
  const inbox = `${link.createInbox()}.`;
  const waiting = new Map<string, PromiseWithResolvers<RenderScoreResult>>();
  const endAll = (reason: string): void => {
    for (const { reject } of waiting.values()) {
      reject(new QueueUnavailableError(reason));
    }
  };
  link.connection.subscribe(`${inbox}*`, {
    callback(error, message) {
      if (error !== null) {
        return link.report("a result could not be received", error);
      }
      try {
        waiting.get(message.subject.slice(inbox.length))?.resolve(decodeResult(message.data));
      } catch (cause) {
        link.report("a message among the results is none and was dropped", cause);
      }
    },
  });
  /** Where that fails the job is done in vain. */
  const withdraw = (sequence: number): Promise<unknown> =>
    link.run(() => link.manager.streams.deleteMessage(jobsStream, sequence)).catch(() => undefined);
  link.onDown(() => endAll("the queue went away while a result was waited for"));

  return {
    async call(job, signal) {
      signal.throwIfAborted();
      const id = dispatchId(job, 0);
      const result = Promise.withResolvers<RenderScoreResult>();
      result.promise.catch(() => undefined); // heard below, unless the job could not be queued
      const leave = (): void => result.reject(signal.reason);
      signal.addEventListener("abort", leave);
      waiting.set(job.jobId, result);
      const headers = jobHeaders(id, context.active(), inbox + job.jobId);
      let published: PublishedJob | undefined;
      try {
        published = await publishJob(link, assets, job, id, headers);
        return await result.promise;
      } catch (error) {
        // Nobody waits for it any more.
        if (published !== undefined) {
          await withdraw(published.sequence);
        }
        throw error;
      } finally {
        signal.removeEventListener("abort", leave);
        waiting.delete(job.jobId);
        if (published?.hasObject === true) {
          await assets.remove(id).catch(() => undefined);
        }
      }
    },
    async [Symbol.asyncDispose]() {
      endAll("the queue is shut down");
      await link.close();
    },
  };
}
