/**
 * Tasks and their assignments to miners.
 *
 *   queued ─▶ assigned ─▶ scoring ─▶ succeeded | failed       (and back, as assignments end without a result)
 *   any of the first three ─▶ cancelled, and its open assignments with it
 *   assignment: generating ─▶ scoring ─▶ accepted | rejected | invalid-asset | duplicate | system-fault
 *               generating ─▶ abandoned
 *
 * T1 A task's state follows from its assignments; it is written in the transaction that changes them, with an event.
 * T2 An assignment that ended without an accepted result frees its slot: the task goes to the next miner.
 * T3 A miner gets an organic task at most once, unless the fault was ours (system-fault), and then a few times.
 * T4 The result is the accepted assignment with the highest score; of equal ones the first submitted.
 * T5 An organic task fails when its time is over, or, where the rules say so, as soon as every miner has had it.
 * T6 An ended assignment or task never changes again, but a system fault may be overruled by a replayed job.
 * T7 An assignment has a deadline of its own, the lease: who says nothing until then keeps no place.
 * T8 Clients take turns: each loan is of the client whose turn it is, and of its oldest task that fits.
 * T9 Beyond the usual copies of an organic task there are some for a strong miner, while none of those at work is one.
 * T10 A client may cancel its task until that has ended: all that is open of it ends, and nobody is blamed for it.
 * T11 The score of an assignment that has ended may be replaced by what other workers found; its state stays.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { activeTraceparent } from "@turntable/process";
import { z } from "zod";
import type { Store } from "../store/index.ts";
import { createLending, type LendingOptions } from "./lending.ts";
import { bestOf, exhaustionOf, expiryOf, type Failure, stateOf } from "./outcome.ts";
import { createPlaces, type Full, type PlacesOptions } from "./places.ts";
import { readTasks, type TaskReading, type TaskReadingOptions } from "./reading.ts";
import {
  type Assignment,
  isEnded,
  isOpen,
  parseAssignment,
  type Task,
  type TaskClass,
  type TaskEvent,
  type TaskEventKind,
  type TaskRow,
  type TaskState,
  taskRow,
  type VerdictKind,
} from "./task.ts";
import { createTaskEvents, type TaskEventDetail } from "./task-events.ts";

export interface TasksOptions
  extends Omit<LendingOptions, "assignmentsOf">,
    PlacesOptions,
    TaskReadingOptions {
  readonly store: Store;
  /** A miner has this long to submit, or until the task's time is over. ms */
  readonly leaseMs: number;
  /** After the first accepted copy the others have this long, in ms. */
  readonly organicFinishMs: number;
  /** Whether an organic task fails as soon as every registered miner has had it (T5). */
  readonly failExhausted: boolean;
  /** Leases that ended before are nobody's silence: we were not there to hear. ms since 1970 UTC; 0 when absent. */
  readonly startedAt?: number;
  /** Called in the transaction that ends an assignment of which nothing was heard until its deadline. */
  readonly onSilence?: (assignment: Assignment, now: number) => void;
}

export interface CreateTask {
  readonly class: TaskClass;
  readonly prompt: string;
  /** The name of who asks; idempotency keys are each client's own. */
  readonly client: string;
  readonly idempotencyKey?: string | undefined;
}

export type CreateOutcome =
  | { readonly kind: "created" | "repeated"; readonly task: Task }
  /** The idempotency key belongs to a task with another prompt. */
  | { readonly kind: "conflict" }
  /** So many organic tasks are open, of the client or of all. */
  | Full;

export type CancelOutcome =
  /** It has ended now, and so have the assignments of it that were open, told as they were before. */
  | { readonly kind: "cancelled"; readonly task: Task; readonly takenBack: readonly Assignment[] }
  /** It was cancelled before; nothing changed. */
  | { readonly kind: "repeated"; readonly task: Task }
  /** It has succeeded or failed, and stays so. */
  | { readonly kind: "ended"; readonly task: Task }
  | { readonly kind: "unknown" };

export interface Verdict {
  readonly kind: VerdictKind;
  /** 0 to 1; undefined when nothing was scored. */
  readonly score?: number | undefined;
  /** A demonstration model gave the score. */
  readonly demonstration?: boolean | undefined;
  /** Words for the miner. */
  readonly reason?: string | undefined;
  /** The reason in one word, for the miner's history; the kind when absent. */
  readonly code?: string | undefined;
}

type End =
  | { readonly state: "succeeded"; readonly best: Assignment }
  | { readonly state: "failed"; readonly failure: Failure };

/** `now` is ms since 1970 UTC, `hotkey` a miner's ss58 throughout. Disposing ends all watches. */
export interface Tasks extends TaskReading, Disposable {
  /** Makes a task, or gives the one that the idempotency key belongs to. */
  create(request: CreateTask, now: number): CreateOutcome;
  /**
   * Lends the oldest fitting organic task to the miner; undefined when there is none.
   * @param isStrong whether a miner may have a copy beyond the usual, where none of those at work is strong (T9)
   */
  assignOrganic(
    hotkey: string,
    now: number,
    isStrong?: (hotkey: string) => boolean,
  ): Assignment | undefined;
  /** Makes a synthetic task and lends it to the miner, at once. */
  assignSynthetic(prompt: string, hotkey: string, now: number): Assignment;
  /** Lends this task to the miner. */
  assign(taskId: string, hotkey: string, now: number): Assignment;
  /** The miner submitted: the assignment waits for its verdict. False when the assignment has ended. */
  markSubmitted(assignmentId: string, now: number): boolean;
  /** Ends an assignment without a submission: the miner gave it back, or its time ran out. */
  abandon(assignmentId: string, reason: string, now: number): void;
  /** Ends an assignment with a verdict; false when it has ended already, and nothing changed (T6). */
  applyVerdict(assignmentId: string, verdict: Verdict, now: number): boolean;
  /** Puts another score in the place of an ended assignment's (T11); none when what it handed in is invalid. */
  replaceScore(assignmentId: string, score: number | undefined): void;
  /** Ends a task that nobody wants any more, with all that is open of it (T10). */
  cancel(taskId: string, now: number): CancelOutcome;
  /** Takes tasks back from miners that are not registered any more, of whom no submission will be taken. */
  release(isRegistered: (hotkey: string) => boolean, now: number): readonly Assignment[];
  /** Submitted assignments whose task's time was over at `before` (ms since 1970 UTC), at most `limit`. */
  overdue(before: number, limit: number): readonly string[];
  /**
   * Brings deadlines that lie further ahead than any can to where they can be: the clock was set back while nobody
   * looked. To be called at the start.
   */
  boundDeadlines(now: number): void;
  /** Ends what has run out of time. */
  expire(now: number): void;
  /** Ends the miner's assignments that have, should the next `expire` be still to come. */
  expireOf(hotkey: string, now: number): void;
  /**
   * Ends what only the time brings to its end: to be called about every second. What has run out of time, and where
   * the rules say so the organic tasks that each of `miners` has had and nobody works on.
   */
  tick(now: number, miners: () => ReadonlySet<string>): void;
  /** The task's changes after the one with this number, in order. */
  events(taskId: string, afterSequence: number): readonly TaskEvent[];
  /**
   * Every event after `afterSequence`, then new ones as they happen, until the task has ended, or `settled`: until none
   * of its assignments is open either.
   */
  watch(
    taskId: string,
    afterSequence: number,
    signal: AbortSignal,
    until?: "ended" | "settled",
  ): AsyncIterable<TaskEvent>;
}

/** What a miner is told of an assignment that ended so. */
export const cancelledReason = "the client cancelled the task; not your fault";
const idRow = z.object({ id: z.string() });
const keyRow = z.object({ id: z.string(), prompt: z.string() });
const countRow = z.object({ count: z.number() });

/** The tasks in `store`. */
export function createTasks(options: TasksOptions): Tasks {
  const { store, startedAt = 0 } = options;
  const events = createTaskEvents(store);
  const places = createPlaces(options);

  const { reading, rowOf, assignmentsOf } = readTasks(options);
  const { get, assignment } = reading;
  const lending = createLending({ ...options, assignmentsOf });

  const record = (
    taskId: string,
    kind: TaskEventKind,
    state: TaskState,
    now: number,
    detail: TaskEventDetail = {},
  ): void => {
    store.run(
      "UPDATE tasks SET state = ?, updated_at = ?, ended_at = coalesce(ended_at, ?) WHERE id = ?",
      state,
      now,
      isEnded(state) ? now : null,
      taskId,
    );
    events.add(taskId, kind, state, now, detail);
  };

  /** Writes the state that follows from the assignments (T1), and ends the task when it is time. */
  const advance = (taskId: string, kind: TaskEventKind, cause: Assignment, now: number): void => {
    const row = taskRow.parse(store.get("SELECT * FROM tasks WHERE id = ?", taskId));
    const assignments = assignmentsOf(taskId);
    if (row.class === "organic") {
      const open = assignments.filter(isOpen).length;
      store.run("UPDATE tasks SET open_assignments = ? WHERE id = ?", open, taskId);
    }
    const { hotkey, score, demonstration, reason: message } = cause;
    const end = isEnded(row.state) ? undefined : endOf(row, assignments, now);
    const running = isEnded(row.state) ? row.state : stateOf(assignments);
    const after = end === undefined ? running : end.state;
    record(taskId, kind, after, now, { hotkey, score, demonstration, message });
    if (end !== undefined) {
      conclude(row, end, now);
    }
  };

  const fail = (row: TaskRow, { code, message }: Failure, now: number): void => {
    if (row.class === "organic") {
      places.ended(now);
    }
    store.run(
      "UPDATE tasks SET failure_code = ?, failure_message = ? WHERE id = ?",
      code,
      message,
      row.id,
    );
    record(row.id, "failed", "failed", now, { message });
  };

  /** How the task ends now; undefined when it does not yet. Notes when it was first accepted. */
  const endOf = (
    row: TaskRow,
    assignments: readonly Assignment[],
    now: number,
  ): End | undefined => {
    const best = bestOf(assignments); // T4
    const open = assignments.some(isOpen);
    if (best !== undefined) {
      const first = row.first_accepted_at ?? now;
      store.run("UPDATE tasks SET first_accepted_at = ? WHERE id = ?", first, row.id);
      if (open && now < first + options.organicFinishMs && now < row.expires_at) {
        return undefined;
      }
      return { state: "succeeded", best };
    }
    const scoring = assignments.some((a) => a.state === "scoring");
    const spent = row.class === "synthetic" && assignments.length > 0 && !open;
    // What was submitted in time gets its verdict, however long scoring takes.
    if (!spent && (now < row.expires_at || scoring)) {
      return undefined;
    }
    return { state: "failed", failure: expiryOf(row, assignments) };
  };

  const conclude = (row: TaskRow, end: End, now: number): void => {
    if (end.state === "failed") {
      fail(row, end.failure, now);
      return;
    }
    if (row.class === "organic") {
      places.ended(now);
    }
    const { id, hotkey, score, demonstration } = end.best;
    store.run("UPDATE tasks SET best_assignment = ? WHERE id = ?", id, row.id);
    record(row.id, "succeeded", "succeeded", now, { hotkey, score, demonstration });
  };

  const assign = (taskId: string, hotkey: string, now: number): Assignment =>
    store.transaction(() => {
      const row = taskRow.parse(store.get("SELECT * FROM tasks WHERE id = ?", taskId));
      const { count } = countRow.parse(
        store.get(
          "SELECT count(*) AS count FROM assignments WHERE task_id = ? AND hotkey = ?",
          taskId,
          hotkey,
        ),
      );
      const id = randomUUID();
      store.run(
        `INSERT INTO assignments (id, task_id, hotkey, attempt, created_at, expires_at, state)
         VALUES (?, ?, ?, ?, ?, ?, 'generating')`,
        id,
        taskId,
        hotkey,
        count + 1,
        now,
        Math.min(row.expires_at, now + options.leaseMs),
      );
      store.run(
        "INSERT OR REPLACE INTO prompts_lent (hotkey, prompt, at) VALUES (?, ?, ?)",
        hotkey,
        row.prompt,
        now,
      );
      const made = parseAssignment(store.get("SELECT * FROM assignments WHERE id = ?", id));
      advance(taskId, "assigned", made, now);
      return made;
    });

  const changeAssignment = (
    id: string,
    from: readonly Assignment["state"][],
    to: Assignment["state"],
    detail: Omit<Verdict, "kind"> & { readonly kind: TaskEventKind },
    now: number,
  ): boolean =>
    store.transaction(() => {
      const before = assignment(id);
      if (before === undefined || !from.includes(before.state)) {
        return false;
      }
      const { kind, score, demonstration = false, reason = "" } = detail;
      store.run(
        `UPDATE assignments SET state = ?1, ended_at = ?2, score = ?3, demonstration = ?4, reason = ?5,
           submitted_as = CASE WHEN ?1 = 'scoring' THEN 1 + (SELECT count(*) FROM assignments other
               WHERE other.task_id = assignments.task_id AND other.submitted_as IS NOT NULL)
             ELSE submitted_as END
         WHERE id = ?6`,
        to,
        to === "scoring" ? null : now,
        score ?? null,
        Number(demonstration),
        reason,
        id,
      );
      advance(before.taskId, kind, { ...before, state: to, score, demonstration, reason }, now);
      return true;
    });

  const abandon = (id: string, reason: string, now: number): boolean =>
    changeAssignment(id, ["generating"], "abandoned", { kind: "abandoned", reason }, now);

  const cancel = (taskId: string, now: number): CancelOutcome =>
    store.transaction(() => {
      const before = get(taskId);
      if (before === undefined) {
        return { kind: "unknown" };
      }
      if (isEnded(before.state)) {
        return { kind: before.state === "cancelled" ? "repeated" : "ended", task: before };
      }
      store.run(
        `UPDATE assignments SET state = 'cancelled', ended_at = ?, reason = ?
         WHERE task_id = ? AND ended_at IS NULL`,
        now,
        cancelledReason,
        taskId,
      );
      if (before.class === "organic") {
        places.ended(now);
      }
      record(taskId, "cancelled", "cancelled", now);
      const takenBack = before.assignments.filter(isOpen);
      return { kind: "cancelled", task: get(taskId) ?? before, takenBack };
    });

  /** T7 */
  const endSilent = (rows: readonly unknown[], now: number): void => {
    for (const silent of rows.map(parseAssignment)) {
      store.transaction(() => {
        abandon(silent.id, "nothing was submitted in time", now);
        if (silent.expiresAt.getTime() >= startedAt) {
          options.onSilence?.(silent, now);
        }
      });
    }
  };

  const expire = (now: number): void => {
    const late = store.all(
      `SELECT * FROM assignments
       WHERE ended_at IS NULL AND state = 'generating' AND expires_at <= ?`,
      now,
    );
    endSilent(late, now);
    const overdue = store.all(
      "SELECT * FROM tasks WHERE ended_at IS NULL AND expires_at <= ?",
      now,
    );
    const finished = store.all(
      `SELECT * FROM tasks WHERE ended_at IS NULL AND first_accepted_at IS NOT NULL
       AND first_accepted_at <= ? AND expires_at > ?`,
      now - options.organicFinishMs,
      now,
    );
    for (const row of [...overdue, ...finished].map((value) => taskRow.parse(value))) {
      store.transaction(() => {
        const end = endOf(row, assignmentsOf(row.id), now);
        if (end !== undefined) {
          conclude(row, end, now);
        }
      });
    }
  };

  /** T5: there is nobody left to take them. */
  const failExhausted = (miners: ReadonlySet<string>, now: number): void => {
    const waiting = store.all(
      `SELECT * FROM tasks t WHERE ended_at IS NULL AND class = 'organic' AND state = 'queued'
       AND EXISTS (SELECT 1 FROM assignments a WHERE a.task_id = t.id)`,
    );
    for (const row of waiting.map((value) => taskRow.parse(value))) {
      const assignments = assignmentsOf(row.id);
      const exhaustion = exhaustionOf(assignments, miners, options.faultTries);
      if (exhaustion !== undefined) {
        store.transaction(() => fail(row, exhaustion, now));
      }
    }
  };

  const create = (request: CreateTask, now: number): CreateOutcome =>
    store.transaction(() => {
      const key = request.idempotencyKey;
      if (key !== undefined) {
        const known = keyRow
          .optional()
          .parse(
            store.get(
              "SELECT id, prompt FROM tasks WHERE client = ? AND idempotency_key = ?",
              request.client,
              key,
            ),
          );
        if (known !== undefined) {
          const task = get(known.id);
          if (known.prompt !== request.prompt || task === undefined) {
            return { kind: "conflict" };
          }
          return { kind: "repeated", task };
        }
      }
      if (request.class === "organic") {
        const full = places.fullFor(request.client, now);
        if (full !== undefined) {
          return full;
        }
      }
      const id = randomUUID();
      store.run(
        `INSERT INTO tasks (id, class, prompt, state, camera_seed, created_at, updated_at, expires_at,
           idempotency_key, client, traceparent) VALUES (?, ?, ?, 'queued', ?, ?, ?, ?, ?, ?, ?)`,
        id,
        request.class,
        request.prompt,
        randomBytes(8).readBigUInt64BE().toString(),
        now,
        now,
        now + options.taskTimeoutMs,
        key ?? null,
        request.client,
        activeTraceparent() ?? null,
      );
      record(id, "created", "queued", now);
      const task = get(id);
      if (task === undefined) {
        throw new Error(`task ${id} was not stored`);
      }
      return { kind: "created", task };
    });

  return {
    ...reading,
    create,
    assignOrganic: (hotkey, now, isStrong = () => false) =>
      store.transaction(() => {
        const id = lending.next(hotkey, now, isStrong);
        return id === undefined ? undefined : assign(id, hotkey, now);
      }),
    assignSynthetic: (prompt, hotkey, now) =>
      store.transaction(() => {
        const made = create({ class: "synthetic", prompt, client: "synthetic" }, now);
        if (made.kind !== "created") {
          throw new Error(`a synthetic task is ${made.kind}`);
        }
        return assign(made.task.id, hotkey, now);
      }),
    assign,
    markSubmitted: (id, now) =>
      changeAssignment(id, ["generating"], "scoring", { kind: "submitted" }, now),
    abandon: (id, reason, now) => void abandon(id, reason, now),
    applyVerdict: (id, verdict, now) =>
      changeAssignment(
        id,
        // A replayed dead letter overrules the system fault, with any verdict but another fault (T6).
        verdict.kind === "system-fault"
          ? ["generating", "scoring"]
          : ["generating", "scoring", "system-fault"],
        verdict.kind,
        verdict,
        now,
      ),
    replaceScore: (id, score) =>
      store.run(
        "UPDATE assignments SET score = ? WHERE id = ? AND ended_at IS NOT NULL",
        score ?? null,
        id,
      ),
    cancel,
    release: (isRegistered, now) =>
      store
        .all("SELECT * FROM assignments WHERE ended_at IS NULL AND state = 'generating'")
        .map(parseAssignment)
        .filter(
          ({ id, hotkey }) =>
            !isRegistered(hotkey) && abandon(id, "the miner is not registered any more", now),
        ),
    overdue: (before, limit) =>
      store
        .all(
          // A lease ends no later than its task, so the index of open ones leaves out most.
          `SELECT a.id FROM assignments a JOIN tasks t ON t.id = a.task_id
           WHERE a.ended_at IS NULL AND a.expires_at <= ?1 AND a.state = 'scoring'
             AND t.expires_at <= ?1 LIMIT ?2`,
          before,
          limit,
        )
        .map((row) => idRow.parse(row).id),
    boundDeadlines: (now) =>
      store.transaction(() => {
        store.run(
          "UPDATE tasks SET expires_at = ?1 WHERE ended_at IS NULL AND expires_at > ?1",
          now + options.taskTimeoutMs,
        );
        store.run(
          "UPDATE assignments SET expires_at = ?1 WHERE ended_at IS NULL AND expires_at > ?1",
          now + options.leaseMs,
        );
      }),
    expire,
    expireOf(hotkey, now) {
      const late = store.all(
        `SELECT * FROM assignments INDEXED BY assignments_open_by_hotkey
         WHERE hotkey = ? AND ended_at IS NULL AND state = 'generating' AND expires_at <= ?`,
        hotkey,
        now,
      );
      endSilent(late, now);
    },
    tick(now, miners) {
      expire(now);
      if (options.failExhausted) {
        failExhausted(miners(), now);
      }
    },
    events: events.after,
    watch: (taskId, afterSequence, signal, until = "ended") =>
      events.watch(taskId, afterSequence, signal, () => {
        const row = rowOf(taskId);
        const isOver = row === undefined || isEnded(row.state);
        return isOver && (until === "ended" || !assignmentsOf(taskId).some(isOpen));
      }),
    [Symbol.dispose]: () => events[Symbol.dispose](),
  };
}
