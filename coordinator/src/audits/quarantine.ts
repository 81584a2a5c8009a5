/**
 * Keeps quarantined workers out of work: they are drained as soon as they are there, so that they leave jobs to others.
 * One that takes jobs all the same gains nothing: its results are not taken.
 */
import type { JobQueue } from "@turntable/bus";
import { type Loop, startLoop } from "@turntable/process";
import type { Audits } from "./audits.ts";

export interface QuarantineOptions {
  readonly queue: Pick<JobQueue, "workers" | "setDraining">;
  readonly audits: Pick<Audits, "quarantined" | "isQuarantined">;
  readonly onTrouble: (what: string, error: unknown) => void;
}

/** Between two looks, in ms: a quarantined worker that was started again takes jobs for at most so long. */
const everyMs = 5_000;

/** Looks again and again; `runNow` does so at once. */
export function startQuarantine({ queue, audits, onTrouble }: QuarantineOptions): Loop {
  return startLoop({
    everyMs,
    async run() {
      if (audits.quarantined().length === 0) {
        return;
      }
      for (const { id, state } of await queue.workers()) {
        if (audits.isQuarantined(id) && (state === "ready" || state === "working")) {
          await queue.setDraining(id, true);
        }
      }
    },
    onTrouble: (error) => onTrouble("quarantined workers could not be drained", error),
  });
}
