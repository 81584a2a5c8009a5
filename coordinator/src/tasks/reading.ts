/**
 * What is told of tasks and assignments as they are. Nothing is changed here, and no reading costs more the longer the
 * history is.
 */
import { z } from "zod";
import type { StoreReader } from "../store/index.ts";
import {
  type Assignment,
  parseAssignment,
  parseTask,
  type Task,
  type TaskClass,
  type TaskRow,
  type TaskState,
  taskRow,
} from "./task.ts";

export interface TaskReadingOptions {
  readonly store: StoreReader;
  /** A task fails when it has no accepted result after this long, in ms. */
  readonly taskTimeoutMs: number;
  /** After so many faults of ours in a row a miner still gets another try. */
  readonly faultTries: number;
  /** Told of a task that a list leaves out, since its rows cannot be read. */
  readonly onUnreadable?: (error: unknown) => void;
}

export interface Faults {
  /** How many of the miner's latest ended assignments, from the last one on, ended so; at most `faultTries` + 1. */
  readonly inARow: number;
  /** How many of the miner's latest ended assignments did, whatever came between; of the last eight. */
  readonly lately: number;
  /** How many of those of the task did. */
  readonly ofTask: number;
  /** ms since 1970 UTC; undefined when the latest one ended otherwise. */
  readonly lastAt: number | undefined;
}

/** A part of the tasks, newest first. */
export interface RecentTasks {
  readonly tasks: readonly Task[];
  /** Id of the last one that was looked at, where the next part begins; undefined when there is no other part. */
  readonly last: string | undefined;
}

/** How many tasks of a class ended in a state. */
export interface EndCount {
  readonly class: TaskClass;
  readonly state: TaskState;
  readonly count: number;
}

/** `now` is ms since 1970 UTC, `hotkey` a miner's ss58 throughout. */
export interface TaskReading {
  get(id: string): Task | undefined;
  assignment(id: string): Assignment | undefined;
  /** A client's tasks, newest first; `before` is the last id of the page before. Undefined for an unknown `before`. */
  list(client: string, limit: number, before?: string): readonly Task[] | undefined;
  /** As `list`, of all clients and classes; `client` empty stands for all, `onlyOpen` for what has not ended. */
  listAll(
    of: { readonly client: string; readonly onlyOpen: boolean },
    limit: number,
    before?: string,
  ): readonly Task[] | undefined;
  /**
   * Tasks of all clients, newest first, of one class and in some states where that is said; a limited number of tasks is
   * looked through, so that fewer may be found than there are. Undefined for an unknown `before`, or one of another class.
   */
  recent(
    of: { readonly class?: TaskClass | undefined; readonly states: readonly TaskState[] },
    limit: number,
    before?: string,
  ): RecentTasks | undefined;
  /**
   * What keeps the miner from another task: an assignment that it still has to submit, else one that waits for its
   * verdict, for as long as a task lasts.
   */
  openAssignment(hotkey: string, now: number): Assignment | undefined;
  /** The miner's latest assignment of this task, or of any when `taskId` is undefined. */
  latestAssignment(hotkey: string, taskId?: string): Assignment | undefined;
  /** When the miner was last lent a task with this prompt, ms since 1970 UTC; undefined when it was not within its window. */
  promptLentAt(hotkey: string, prompt: string): number | undefined;
  /** As `promptLentAt`, for all prompts: those before the window may be among them. */
  promptsLent(hotkey: string): ReadonlyMap<string, number>;
  /** How the miner's latest assignments ended, as far as faults of ours go. */
  faults(hotkey: string, taskId?: string): Faults;
  /** Tasks that have not ended, by state. */
  countOpen(): Readonly<Partial<Record<TaskState, number>>>;
  /** How the tasks ended that ended from `from` on and before `to`, ms since 1970 UTC. */
  countEnded(from: number, to: number): readonly EndCount[];
  /** Since when the oldest organic task has waited that no miner has; undefined when none does. ms since 1970 UTC */
  oldestQueued(): number | undefined;
  /** The task of an assignment, without all that is known of it. */
  taskOf(assignmentId: string): { readonly id: string; readonly class: TaskClass } | undefined;
}

/** Reading that the changes need beside what others do. */
export interface TaskRows {
  readonly reading: TaskReading;
  rowOf(id: string): TaskRow | undefined;
  /** In the order of lending. */
  assignmentsOf(taskId: string): readonly Assignment[];
}

/** Faults of ours are looked for among so many of a miner's latest assignments. */
const lookBack = 8;
/** `recent` looks through so many tasks at most. */
const lookThrough = 1_000;
const lentRow = z.object({ prompt: z.string(), at: z.number() });
const stateCountRow = z.object({ state: taskRow.shape.state, count: z.number() });
const endCountRow = stateCountRow.extend({ class: taskRow.shape.class });
const idRow = z.object({ id: z.string() });
const timeRow = z.object({ at: z.number().nullable() });
const classRow = z.object({ id: z.string(), class: taskRow.shape.class });

/** The tasks in `store`, for looking at. */
export function readTasks(options: TaskReadingOptions): TaskRows {
  const { store } = options;

  // Rows are numbered as they come, whatever the clock does.
  const assignmentsOf = (taskId: string): readonly Assignment[] =>
    store
      .all("SELECT * FROM assignments WHERE task_id = ? ORDER BY rowid", taskId)
      .map(parseAssignment);
  const rowOf = (id: string): TaskRow | undefined =>
    taskRow.optional().parse(store.get("SELECT * FROM tasks WHERE id = ?", id));

  /** Where a page ends that begins after this task; undefined when there is no such task. */
  const lastOf = (before: string | undefined): Pick<TaskRow, "created_at" | "id"> | undefined =>
    before === undefined ? { created_at: Number.MAX_SAFE_INTEGER, id: "" } : rowOf(before);
  const readable = (rows: readonly unknown[]): readonly Task[] =>
    rows.flatMap((row) => {
      try {
        const task = taskRow.parse(row);
        return [parseTask(task, assignmentsOf(task.id))];
      } catch (error) {
        options.onUnreadable?.(error); // one bad row must not hide the others
        return [];
      }
    });

  const reading: TaskReading = {
    get(id) {
      const row = rowOf(id);
      return row === undefined ? undefined : parseTask(row, assignmentsOf(id));
    },
    assignment(id) {
      const row = store.get("SELECT * FROM assignments WHERE id = ?", id);
      return row === undefined ? undefined : parseAssignment(row);
    },
    list(client, limit, before) {
      const last = lastOf(before);
      return last === undefined
        ? undefined
        : readable(
            store.all(
              `SELECT * FROM tasks WHERE client = ? AND class = 'organic' AND (created_at, id) < (?, ?)
               ORDER BY created_at DESC, id DESC LIMIT ?`,
              ...[client, last.created_at, last.id, limit],
            ),
          );
    },
    listAll({ client, onlyOpen }, limit, before) {
      const last = lastOf(before);
      if (last === undefined) {
        return undefined;
      }
      const page = [last.created_at, last.id, limit];
      if (onlyOpen) {
        return readable(
          store.all(
            `SELECT * FROM tasks INDEXED BY tasks_open WHERE ended_at IS NULL AND (?1 = '' OR client = ?1)
               AND (created_at, id) < (?2, ?3) ORDER BY created_at DESC, id DESC LIMIT ?4`,
            ...[client, ...page],
          ),
        );
      }
      return readable(
        client === ""
          ? store.all(
              `SELECT * FROM tasks WHERE (created_at, id) < (?, ?)
               ORDER BY created_at DESC, id DESC LIMIT ?`,
              ...page,
            )
          : store.all(
              `SELECT * FROM tasks WHERE client = ? AND (created_at, id) < (?, ?)
               ORDER BY created_at DESC, id DESC LIMIT ?`,
              ...[client, ...page],
            ),
      );
    },
    recent({ class: taskClass, states }, limit, before) {
      const start = before === undefined ? lastOf(undefined) : rowOf(before);
      if (
        start === undefined ||
        ("class" in start && taskClass !== undefined && start.class !== taskClass)
      ) {
        return undefined;
      }
      const place = [start.created_at, start.id];
      const wanted = states.length === 0 ? "" : `,${states.join(",")},`;
      // One more than asked for tells whether there is another part.
      const rows =
        taskClass === undefined
          ? store.all(
              `SELECT * FROM (SELECT * FROM tasks WHERE (created_at, id) < (?, ?)
                 ORDER BY created_at DESC, id DESC LIMIT ?)
               WHERE ?4 = '' OR instr(?4, ',' || state || ',') > 0 LIMIT ?5`,
              ...[...place, lookThrough, wanted, limit + 1],
            )
          : store.all(
              `SELECT * FROM (SELECT * FROM tasks WHERE class = ? AND (created_at, id) < (?, ?)
                 ORDER BY created_at DESC, id DESC LIMIT ?)
               WHERE ?5 = '' OR instr(?5, ',' || state || ',') > 0 LIMIT ?6`,
              ...[taskClass, ...place, lookThrough, wanted, limit + 1],
            );
      if (rows.length > limit) {
        return { tasks: readable(rows.slice(0, limit)), last: idRow.parse(rows[limit - 1]).id };
      }
      const end =
        taskClass === undefined
          ? store.get(
              `SELECT id FROM tasks WHERE (created_at, id) < (?, ?)
               ORDER BY created_at DESC, id DESC LIMIT 1 OFFSET ?`,
              ...[...place, lookThrough - 1],
            )
          : store.get(
              `SELECT id FROM tasks WHERE class = ? AND (created_at, id) < (?, ?)
               ORDER BY created_at DESC, id DESC LIMIT 1 OFFSET ?`,
              ...[taskClass, ...place, lookThrough - 1],
            );
      return { tasks: readable(rows), last: idRow.optional().parse(end)?.id };
    },
    openAssignment(hotkey, now) {
      const row = store.get(
        `SELECT * FROM assignments WHERE hotkey = ?1 AND created_at > ?2 - ?3 AND ended_at IS NULL
           AND (state = 'scoring' OR expires_at > ?2)
         ORDER BY state, created_at DESC LIMIT 1`, // "generating" comes before "scoring"
        hotkey,
        now,
        options.taskTimeoutMs,
      );
      return row === undefined ? undefined : parseAssignment(row);
    },
    latestAssignment(hotkey, taskId) {
      const row =
        taskId === undefined
          ? store.get(
              "SELECT * FROM assignments WHERE hotkey = ? ORDER BY created_at DESC LIMIT 1",
              hotkey,
            )
          : // By number, not by time: clocks step.
            store.get(
              `SELECT * FROM assignments WHERE task_id = ? AND hotkey = ?
               ORDER BY attempt DESC LIMIT 1`,
              taskId,
              hotkey,
            );
      return row === undefined ? undefined : parseAssignment(row);
    },
    promptLentAt: (hotkey, prompt) =>
      lentRow
        .optional()
        .parse(
          store.get(
            "SELECT prompt, at FROM prompts_lent WHERE hotkey = ? AND prompt = ?",
            hotkey,
            prompt,
          ),
        )?.at,
    promptsLent: (hotkey) =>
      new Map(
        store
          .all("SELECT prompt, at FROM prompts_lent WHERE hotkey = ?", hotkey)
          .map((row) => lentRow.parse(row))
          .map(({ prompt, at }) => [prompt, at]),
      ),
    faults(hotkey, taskId) {
      const ended = store
        .all(
          `SELECT * FROM assignments WHERE hotkey = ? AND ended_at IS NOT NULL AND state <> 'cancelled'
           ORDER BY created_at DESC LIMIT ?`,
          hotkey,
          Math.max(options.faultTries + 1, lookBack),
        )
        .map(parseAssignment);
      const other = ended.findIndex(({ state }) => state !== "system-fault");
      const inARow = other === -1 ? ended.length : other;
      const ofTask = assignmentsOf(taskId ?? "").filter(
        (one) => one.hotkey === hotkey && one.state === "system-fault",
      );
      const lastAt = inARow === 0 ? undefined : ended[0]?.endedAt?.getTime();
      const lately = ended.slice(0, lookBack).filter(({ state }) => state === "system-fault");
      return { inARow, lately: lately.length, ofTask: ofTask.length, lastAt };
    },
    countOpen() {
      const rows = store
        .all("SELECT state, count(*) AS count FROM tasks WHERE ended_at IS NULL GROUP BY state")
        .map((row) => stateCountRow.parse(row));
      return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
    },
    countEnded: (from, to) =>
      store
        .all(
          `SELECT class, state, count(*) AS count FROM tasks
           WHERE class IN ('organic', 'synthetic') AND ended_at >= ? AND ended_at < ?
           GROUP BY class, state`,
          from,
          to,
        )
        .map((row) => endCountRow.parse(row)),
    oldestQueued: () =>
      timeRow.parse(
        store.get(
          `SELECT min(created_at) AS at FROM tasks INDEXED BY tasks_waiting_by_place
           WHERE ended_at IS NULL AND class = 'organic' AND first_accepted_at IS NULL
             AND open_assignments = 0`,
        ),
      ).at ?? undefined,
    taskOf: (assignmentId) =>
      classRow
        .optional()
        .parse(
          store.get(
            "SELECT t.id, t.class FROM assignments a JOIN tasks t ON t.id = a.task_id WHERE a.id = ?",
            assignmentId,
          ),
        ),
  };
  return { reading, rowOf, assignmentsOf };
}
