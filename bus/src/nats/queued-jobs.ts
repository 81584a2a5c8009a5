/** Where in their stream the jobs lie that this process has queued, so that they can be taken out again. */
import type { RenderScoreJob } from "@turntable/proto";
import { jobsStream } from "../contract.ts";
import type { AssetStore } from "./assets.ts";
import { noteWithdrawal } from "./hand-backs.ts";
import type { NatsLink } from "./link.ts";
import { messageIdOf } from "./messages.ts";
import type { PublishedJob } from "./publish-job.ts";

export interface QueuedJobs {
  /** @param id the message's */
  add(job: RenderScoreJob, id: string, published: PublishedJob): void;
  /** The job has its result. */
  done(jobId: string): void;
  /** @throws QueueUnavailableError; calling again goes on where it stopped */
  withdraw(jobId: string): Promise<void>;
}

export function createQueuedJobs(link: NatsLink, assets: AssetStore): QueuedJobs {
  /** By the job's id: messages by theirs. */
  const jobs = new Map<string, Map<string, PublishedJob>>();
  return {
    add({ jobId }, id, published) {
      const messages = jobs.get(jobId) ?? new Map<string, PublishedJob>();
      jobs.set(jobId, messages.set(id, published));
    },
    done: (jobId) => void jobs.delete(jobId),
    async withdraw(jobId) {
      for (const [id, { sequence, hasObject }] of jobs.get(jobId) ?? []) {
        if (hasObject) {
          await noteWithdrawal(link, id); // before, so that its worker finds why the asset is gone
        }
        await link.run(async () => {
          const { streams } = link.manager;
          const stored = await streams.getMessage(jobsStream, { seq: sequence });
          // A stream that was made again has another's job there.
          if (stored !== null && messageIdOf({ headers: stored.header }) === id) {
            await streams.deleteMessage(jobsStream, sequence);
          }
        });
        if (hasObject) {
          await assets.remove(id); // Q7
        }
      }
      jobs.delete(jobId);
    },
  };
}
