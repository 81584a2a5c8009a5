/**
 * Tasks and their assignments to miners.
 *
 *   queued ─▶ assigned ─▶ scoring ─▶ succeeded | failed       (and back, as assignments end without a result)
 *   assignment: generating ─▶ scoring ─▶ accepted | rejected | invalid-asset | system-fault;  generating ─▶ abandoned
 *
 * T1 A task's state follows from its assignments; it is written in the transaction that changes them, with an event.
 * T2 An assignment that ended without an accepted result frees its slot: the task goes to the next miner.
 * T3 A miner gets an organic task at most once, unless the fault was ours (system-fault).
 * T4 The result is the accepted assignment with the highest score; of equal ones the earliest.
 * T5 An organic task fails when its time is over, or, where the rules say so, as soon as every miner has had it.
 * T6 An ended assignment or task never changes again, but a system fault may be overruled by a replayed job.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { activeTraceparent } from "@turntable/process";
import { z } from "zod";
import type { Store } from "../store/index.ts";
import { bestOf, exhaustionOf, expiryOf, type Failure, stateOf } from "./outcome.ts";
import {
  type Assignment,
  isEnded,
  isOpen,
  parseAssignment,
  parseTask,
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

export interface TasksOptions {
  readonly store: Store;
  /** A task fails when it has no accepted result after this long; until then miners may submit. ms */
  readonly taskTimeoutMs: number;
  /** How many miners work on the same organic task at a time. */
  readonly organicCopies: number;
  /** After the first accepted copy the others have this long, in ms. */
  readonly organicFinishMs: number;
  /** Whether an organic task fails as soon as every registered miner has had it (T5). */
  readonly failExhausted: boolean;
  /** Organic tasks that have not ended; one more is refused. */
  readonly maxOpenTasks: number;
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
  /** So many organic tasks are open. */
  | { readonly kind: "full"; readonly limit: number };

export interface Verdict {
  readonly kind: VerdictKind;
  /** 0 to 1; undefined when nothing was scored. */
  readonly score?: number | undefined;
  /** A demonstration model gave the score. */
  readonly demonstration?: boolean | undefined;
  /** Words for the miner. */
  readonly reason?: string | undefined;
}

/** `now` is ms since 1970 UTC, `hotkey` a miner's ss58 throughout. Disposing ends all watches. */
export interface Tasks extends Disposable {
  /** Makes a task, or gives the one that the idempotency key belongs to. */
  create(request: CreateTask, now: number): CreateOutcome;
  get(id: string): Task | undefined;
  /** A client's tasks, newest first; `before` is the last id of the page before. Undefined for an unknown `before`. */
  list(client: string, limit: number, before?: string): readonly Task[] | undefined;
  /** The miner's open assignment that it still has to submit, if any. */
  openAssignment(hotkey: string, now: number): Assignment | undefined;
  /** The miner's latest assignment of this task, or of any when `taskId` is undefined. */
  latestAssignment(hotkey: string, taskId?: string): Assignment | undefined;
  assignment(id: string): Assignment | undefined;
  /** Lends the oldest fitting organic task to the miner; undefined when there is none. */
  assignOrganic(hotkey: string, now: number): Assignment | undefined;
  /** Lends this task to the miner. */
  assign(taskId: string, hotkey: string, now: number): Assignment;
  /** The miner submitted: the assignment waits for its verdict. False when the assignment has ended. */
  markSubmitted(assignmentId: string, now: number): boolean;
  /** Ends an assignment without a submission: the miner gave it back, or its time ran out. */
  abandon(assignmentId: string, reason: string, now: number): void;
  /** Ends an assignment with a verdict; false when it has ended already, and nothing changed (T6). */
  applyVerdict(assignmentId: string, verdict: Verdict, now: number): boolean;
  /** Ends what has run out of time. */
  expire(now: number): void;
  /**
   * Ends what only the time brings to its end: to be called about every second. What has run out of time, and where
   * the rules say so the organic tasks that each of `miners` has had and nobody works on.
   */
  tick(now: number, miners: () => ReadonlySet<string>): void;
  /** The task's changes after the one with this number, in order. */
  events(taskId: string, afterSequence: number): readonly TaskEvent[];
  /** Every event after `afterSequence`, then new ones as they happen, until the task has ended. */
  watch(taskId: string, afterSequence: number, signal: AbortSignal): AsyncIterable<TaskEvent>;
  /** Tasks that have not ended, by state. */
  countOpen(): Readonly<Partial<Record<TaskState, number>>>;
}

const idRow = z.object({ id: z.string() });
const keyRow = z.object({ id: z.string(), prompt: z.string() });
const countRow = z.object({ count: z.number() });
const stateCountRow = z.object({ state: taskRow.shape.state, count: z.number() });

/** The tasks in `store`. */
export function createTasks(options: TasksOptions): Tasks {
  const { store } = options;
  const events = createTaskEvents(store);

  const assignmentsOf = (taskId: string): readonly Assignment[] =>
    store
      .all("SELECT * FROM assignments WHERE task_id = ? ORDER BY created_at, id", taskId)
      .map(parseAssignment);
  const rowOf = (id: string): TaskRow | undefined =>
    taskRow.optional().parse(store.get("SELECT * FROM tasks WHERE id = ?", id));
  const get = (id: string): Task | undefined => {
    const row = rowOf(id);
    return row === undefined ? undefined : parseTask(row, assignmentsOf(id));
  };
  const assignment = (id: string): Assignment | undefined => {
    const row = store.get("SELECT * FROM assignments WHERE id = ?", id);
    return row === undefined ? undefined : parseAssignment(row);
  };

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
    const { hotkey, score, demonstration, reason: message } = cause;
    const running = isEnded(row.state) ? row.state : stateOf(assignments);
    record(taskId, kind, running, now, { hotkey, score, demonstration, message });
    if (!isEnded(row.state)) endIfDue(row, assignments, now);
  };

  const fail = (row: TaskRow, { code, message }: Failure, now: number): void => {
    store.run(
      "UPDATE tasks SET failure_code = ?, failure_message = ? WHERE id = ?",
      code,
      message,
      row.id,
    );
    record(row.id, "failed", "failed", now, { message });
  };

  const endIfDue = (row: TaskRow, assignments: readonly Assignment[], now: number): void => {
    const best = bestOf(assignments); // T4
    const open = assignments.some(isOpen);
    if (best !== undefined) {
      const first = row.first_accepted_at ?? now;
      store.run("UPDATE tasks SET first_accepted_at = ? WHERE id = ?", first, row.id);
      if (open && now < first + options.organicFinishMs && now < row.expires_at) return;
      store.run("UPDATE tasks SET best_assignment = ? WHERE id = ?", best.id, row.id);
      const { hotkey, score, demonstration } = best;
      record(row.id, "succeeded", "succeeded", now, { hotkey, score, demonstration });
      return;
    }
    const scoring = assignments.some((a) => a.state === "scoring");
    const spent = row.class === "synthetic" && assignments.length > 0 && !open;
    // What was submitted in time gets its verdict, however long scoring takes.
    if (!spent && (now < row.expires_at || scoring)) return;
    fail(row, expiryOf(row, assignments), now);
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
        row.expires_at,
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
      if (before === undefined || !from.includes(before.state)) return false;
      const { kind, score, demonstration = false, reason = "" } = detail;
      store.run(
        `UPDATE assignments SET state = ?, ended_at = ?, score = ?, demonstration = ?, reason = ?
         WHERE id = ?`,
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

  const expire = (now: number): void => {
    const late = store
      .all(
        `SELECT id FROM assignments
         WHERE ended_at IS NULL AND state = 'generating' AND expires_at <= ?`,
        now,
      )
      .map((row) => idRow.parse(row).id);
    for (const id of late) {
      const reason = "nothing was submitted in time";
      changeAssignment(id, ["generating"], "abandoned", { kind: "abandoned", reason }, now);
    }
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
      store.transaction(() => endIfDue(row, assignmentsOf(row.id), now));
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
      const exhaustion = exhaustionOf(assignments, miners);
      if (exhaustion !== undefined) store.transaction(() => fail(row, exhaustion, now));
    }
  };

  return {
    create: (request, now) =>
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
            if (known.prompt !== request.prompt || task === undefined) return { kind: "conflict" };
            return { kind: "repeated", task };
          }
        }
        if (request.class === "organic") {
          const { count } = countRow.parse(
            store.get(
              "SELECT count(*) AS count FROM tasks WHERE ended_at IS NULL AND class = 'organic'",
            ),
          );
          if (count >= options.maxOpenTasks) return { kind: "full", limit: options.maxOpenTasks };
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
        if (task === undefined) throw new Error(`task ${id} was not stored`);
        return { kind: "created", task };
      }),
    get,
    list(client, limit, before) {
      const last = before === undefined ? undefined : rowOf(before);
      if (before !== undefined && last === undefined) return undefined;
      return store
        .all(
          `SELECT * FROM tasks WHERE client = ? AND class = 'organic' AND (created_at, id) < (?, ?)
           ORDER BY created_at DESC, id DESC LIMIT ?`,
          client,
          last?.created_at ?? Number.MAX_SAFE_INTEGER,
          last?.id ?? "",
          limit,
        )
        .map((row) => taskRow.parse(row))
        .map((row) => parseTask(row, assignmentsOf(row.id)));
    },
    openAssignment(hotkey, now) {
      const row = store.get(
        `SELECT * FROM assignments WHERE hotkey = ? AND ended_at IS NULL AND state = 'generating'
         AND expires_at > ? ORDER BY created_at DESC LIMIT 1`,
        hotkey,
        now,
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
          : store.get(
              "SELECT * FROM assignments WHERE task_id = ? AND hotkey = ? ORDER BY attempt DESC LIMIT 1",
              taskId,
              hotkey,
            );
      return row === undefined ? undefined : parseAssignment(row);
    },
    assignment,
    assignOrganic: (hotkey, now) =>
      store.transaction(() => {
        // Once accepted, no more copies are lent; failures free their slot (T2) but not for the same miner (T3).
        const row = store.get(
          `SELECT id FROM tasks t WHERE class = 'organic' AND ended_at IS NULL
             AND first_accepted_at IS NULL AND expires_at > ?1
             AND NOT EXISTS (SELECT 1 FROM assignments a WHERE a.task_id = t.id AND a.hotkey = ?2
                             AND a.state <> 'system-fault')
             AND (SELECT count(*) FROM assignments a WHERE a.task_id = t.id
                  AND a.ended_at IS NULL) < ?3
           ORDER BY created_at, id LIMIT 1`,
          now,
          hotkey,
          options.organicCopies,
        );
        return row === undefined ? undefined : assign(idRow.parse(row).id, hotkey, now);
      }),
    assign,
    markSubmitted: (id, now) =>
      changeAssignment(id, ["generating"], "scoring", { kind: "submitted" }, now),
    abandon: (id, reason, now) =>
      void changeAssignment(id, ["generating"], "abandoned", { kind: "abandoned", reason }, now),
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
    expire,
    tick(now, miners) {
      expire(now);
      if (options.failExhausted) failExhausted(miners(), now);
    },
    events: events.after,
    watch: (taskId, afterSequence, signal) =>
      events.watch(taskId, afterSequence, signal, () => {
        const row = rowOf(taskId);
        return row === undefined || isEnded(row.state);
      }),
    countOpen() {
      const rows = store
        .all("SELECT state, count(*) AS count FROM tasks WHERE ended_at IS NULL GROUP BY state")
        .map((row) => stateCountRow.parse(row));
      return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
    },
    [Symbol.dispose]: () => events[Symbol.dispose](),
  };
}
