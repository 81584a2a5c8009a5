/** Which organic task a miner gets: whose turn it is among the clients, and which of their tasks fits. */
import { z } from "zod";
import type { Store } from "../store/index.ts";
import { type Assignment, isOpen } from "./task.ts";
import { createTurns } from "./turns.ts";

export interface LendingOptions {
  readonly store: Store;
  /** An organic task that has less time left is lent to nobody any more, in ms. */
  readonly leastLoanMs: number;
  /** After so many faults of ours at one task its miner still gets it again (T3). */
  readonly faultTries: number;
  /** How many miners work on the same organic task at a time. */
  readonly organicCopies: number;
  /** So many more copies are for a strong miner (T9); none when absent. */
  readonly strong?: { readonly extraCopies: number };
  /** All assignments of a task. */
  readonly assignmentsOf: (taskId: string) => readonly Assignment[];
}

/** The invariants T2, T3, T8 and T9 of `tasks.ts` are kept here. */
export interface Lending {
  /**
   * The id of the task that the miner gets now, which counts as its client's turn; undefined when none fits.
   * @param now ms since 1970 UTC
   * @param isStrong whether a miner may have a copy beyond the usual
   */
  next(hotkey: string, now: number, isStrong: (hotkey: string) => boolean): string | undefined;
}

/** Among so many of the oldest a strong miner's task is looked for. */
const strongChoice = 16;

const idRow = z.object({ id: z.string() });
const clientRow = z.object({ client: z.string() });

/** Clients with organic tasks that have not ended. */
export function waitingClients(store: Store): readonly string[] {
  return store
    .all(
      "SELECT DISTINCT client FROM tasks INDEXED BY tasks_waiting WHERE ended_at IS NULL AND class = 'organic'",
    )
    .map((row) => clientRow.parse(row).client);
}

export function createLending(options: LendingOptions): Lending {
  const { store, assignmentsOf, organicCopies, strong } = options;
  const turns = createTurns();

  /** The client's oldest task that the miner may have. */
  const fittingTask = (
    client: string,
    hotkey: string,
    now: number,
    isStrong: (hotkey: string) => boolean,
  ): string | undefined => {
    const extra = isStrong(hotkey) ? (strong?.extraCopies ?? 0) : 0;
    // Once accepted, no more copies are lent; failures free their slot (T2) but not for the same miner (T3).
    const rows = store.all(
      `SELECT id FROM tasks t INDEXED BY tasks_waiting WHERE client = ?5 AND class = 'organic' AND ended_at IS NULL
         AND first_accepted_at IS NULL AND expires_at >= ?1
         AND NOT EXISTS (SELECT 1 FROM assignments a WHERE a.task_id = t.id AND a.hotkey = ?2
                         AND (a.state <> 'system-fault' OR a.attempt > ?4))
         AND (SELECT count(*) FROM assignments a WHERE a.task_id = t.id
              AND a.ended_at IS NULL) < ?3
       ORDER BY created_at, id LIMIT ?6`,
      now + Math.max(1, options.leastLoanMs),
      hotkey,
      organicCopies + extra,
      options.faultTries,
      client,
      extra === 0 ? 1 : strongChoice,
    );
    const isFree = (taskId: string): boolean => {
      const open = assignmentsOf(taskId).filter(isOpen);
      return open.length < organicCopies || !open.some((other) => isStrong(other.hotkey));
    };
    return rows.map((row) => idRow.parse(row).id).find((taskId) => extra === 0 || isFree(taskId)); // T9
  };

  return {
    next(hotkey, now, isStrong) {
      for (const client of turns.order(waitingClients(store))) {
        const id = fittingTask(client, hotkey, now, isStrong);
        if (id !== undefined) {
          turns.served(client);
          return id;
        }
      }
      return undefined;
    },
  };
}
