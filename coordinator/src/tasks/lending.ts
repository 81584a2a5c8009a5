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

const taskRow = z.object({ id: z.string(), created_at: z.number() });
type LendableTask = z.infer<typeof taskRow>;
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

  /** Clients with a task on which fewer than so many miners are at work. */
  const clientsWithPlace = (copies: number): ReadonlySet<string> => {
    const rows = store.all(
      `SELECT DISTINCT client FROM tasks INDEXED BY tasks_waiting_by_place
       WHERE ended_at IS NULL AND class = 'organic' AND first_accepted_at IS NULL AND open_assignments < ?`,
      copies,
    );
    return new Set(rows.map((row) => clientRow.parse(row).client));
  };

  /** The client's oldest task that the miner may have; undefined when none fits. */
  const fittingTask = (
    client: string,
    hotkey: string,
    now: number,
    {
      isStrong,
      copies,
    }: { readonly isStrong: (hotkey: string) => boolean; readonly copies: number },
  ): string | undefined => {
    const isFree = (taskId: string): boolean =>
      !assignmentsOf(taskId).some((other) => isOpen(other) && isStrong(other.hotkey));
    /** The oldest of those on which so many are at work. */
    const oldestWith = (atWork: number): LendableTask | undefined => {
      const isExtra = atWork >= organicCopies;
      // Once accepted, no more copies are lent; failures free their slot (T2) but not for the same miner (T3).
      const rows = store.all(
        `SELECT id, created_at FROM tasks t INDEXED BY tasks_waiting_by_place
         WHERE client = ?1 AND class = 'organic' AND ended_at IS NULL AND first_accepted_at IS NULL
           AND open_assignments = ?2 AND expires_at >= ?3
           AND NOT EXISTS (SELECT 1 FROM assignments a WHERE a.task_id = t.id AND a.hotkey = ?4
                           AND (a.state <> 'system-fault' OR a.attempt > ?5))
         ORDER BY created_at, id LIMIT ?6`,
        client,
        atWork,
        now + Math.max(1, options.leastLoanMs),
        hotkey,
        options.faultTries,
        isExtra ? strongChoice : 1,
      );
      return rows.map((row) => taskRow.parse(row)).find(({ id }) => !isExtra || isFree(id)); // T9
    };
    const oldest = Array.from({ length: copies }, (_, atWork) => oldestWith(atWork))
      .filter((task) => task !== undefined)
      .toSorted((a, b) => a.created_at - b.created_at || (a.id < b.id ? -1 : 1));
    return oldest[0]?.id;
  };

  return {
    next(hotkey, now, isStrong) {
      const copies =
        organicCopies + (strong !== undefined && isStrong(hotkey) ? strong.extraCopies : 0);
      const withPlace = clientsWithPlace(copies);
      const inTurn = turns.order(waitingClients(store)).filter((client) => withPlace.has(client));
      for (const client of inTurn) {
        const id = fittingTask(client, hotkey, now, { isStrong, copies });
        if (id !== undefined) {
          turns.served(client);
          return id;
        }
      }
      return undefined;
    },
  };
}
