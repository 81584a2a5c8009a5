/** How long submissions wait for their verdict. */
import { z } from "zod";
import type { StoreReader } from "../store/index.ts";
import type { TaskClass } from "../tasks/index.ts";

/** A time by class; a class of which there is nothing is not there. */
export type ByClass = ReadonlyMap<TaskClass, number>;

/** The mean is over so many of the latest submissions. */
const latest = 200;

const row = z.object({ class: z.enum(["organic", "synthetic"]), ms: z.number() });

/** When the oldest submission of each class came that has no verdict, ms since 1970 UTC. */
export function oldestWaiting(store: StoreReader): ByClass {
  return byClass(
    store.all(
      `SELECT t.class, min(s.received_at) AS ms FROM submissions s
         JOIN assignments a ON a.id = s.id JOIN tasks t ON t.id = a.task_id
       WHERE s.verdict IS NULL GROUP BY t.class`,
    ),
  );
}

/** How long the latest submissions of each class waited from their arrival to their verdict, on average, in ms. */
export function meanWaits(store: StoreReader): ByClass {
  return byClass(
    store.all(
      `SELECT t.class, avg(s.ended_at - s.received_at) AS ms FROM submissions s
         JOIN assignments a ON a.id = s.id JOIN tasks t ON t.id = a.task_id
       WHERE s.sequence > (SELECT max(sequence) FROM submissions) - ? AND s.ended_at IS NOT NULL
       GROUP BY t.class`,
      latest,
    ),
  );
}

function byClass(rows: readonly unknown[]): ByClass {
  return new Map(
    rows.map((value): [TaskClass, number] => {
      const { class: taskClass, ms } = row.parse(value);
      return [taskClass, ms];
    }),
  );
}
