/** How many organic tasks may be open, of all clients and of one, and when who finds no place had better come back. */
import { z } from "zod";
import type { Store } from "../store/index.ts";
import { waitingClients } from "./lending.ts";
import { createPace } from "./pace.ts";

export interface PlacesOptions {
  readonly store: Store;
  /** Organic tasks that have not ended; one more is refused. */
  readonly maxOpenTasks: number;
  /** Those of one client; as many as of all when absent. */
  readonly maxOpenTasksOfClient?: number | undefined;
  /** No wait is longer than a task lasts, in ms. */
  readonly taskTimeoutMs: number;
}

/** There is no place for another organic task: so many are open, of the client or of all. */
export interface Full {
  readonly kind: "full";
  /** Whose limit it is: that of all clients or of this one. */
  readonly of: "all" | "client";
  readonly limit: number;
  /** About when there is a place again, in ms from now. */
  readonly retryAfterMs: number;
}

export interface Places {
  /** An organic task has ended, which makes a place. @param now ms since 1970 UTC */
  ended(now: number): void;
  /** Why there is no place for another organic task of the client's; undefined when there is one. */
  fullFor(client: string, now: number): Full | undefined;
}

const countRow = z.object({ count: z.number() });

export function createPlaces(options: PlacesOptions): Places {
  const { store, maxOpenTasks, maxOpenTasksOfClient = maxOpenTasks } = options;
  const pace = createPace(options.taskTimeoutMs);
  return {
    ended: (now) => pace.ended(now),
    fullFor(client, now) {
      const open = countRow.parse(
        store.get(
          "SELECT count(*) AS count FROM tasks WHERE ended_at IS NULL AND class = 'organic'",
        ),
      );
      if (open.count >= maxOpenTasks) {
        const retryAfterMs = pace.waitMs(now, 1);
        return { kind: "full", of: "all", limit: maxOpenTasks, retryAfterMs };
      }
      const own = countRow.parse(
        store.get(
          `SELECT count(*) AS count FROM tasks
           WHERE ended_at IS NULL AND class = 'organic' AND client = ?`,
          client,
        ),
      );
      if (own.count < maxOpenTasksOfClient) {
        return undefined;
      }
      const retryAfterMs = pace.waitMs(now, waitingClients(store).length);
      return { kind: "full", of: "client", limit: maxOpenTasksOfClient, retryAfterMs };
    },
  };
}
