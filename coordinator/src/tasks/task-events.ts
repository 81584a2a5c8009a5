/** The changes of tasks, numbered without gaps for each task, and those who watch them. */
import { EventEmitter } from "node:events";
import type { Store } from "../store/index.ts";
import { parseEvent, type TaskEvent, type TaskEventKind, type TaskState } from "./task.ts";

/** What an event tells beside its kind. */
export type TaskEventDetail = Partial<
  Pick<TaskEvent, "hotkey" | "score" | "demonstration" | "message">
>;

export interface TaskEvents extends Disposable {
  /**
   * Adds an event; those who watch are told once it is on disk. To be called in the transaction of the change.
   * @param state the task's after the change
   * @param now ms since 1970 UTC
   */
  add(
    taskId: string,
    kind: TaskEventKind,
    state: TaskState,
    now: number,
    detail: TaskEventDetail,
  ): void;
  /** The task's changes after the one with this number, in order. */
  after(taskId: string, sequence: number): readonly TaskEvent[];
  /** As `after`, then new ones as they happen, until `isOver` says that no more will come. */
  watch(
    taskId: string,
    afterSequence: number,
    signal: AbortSignal,
    isOver: () => boolean,
  ): AsyncIterable<TaskEvent>;
}

/** The events in `store`. Disposing ends all watches. */
export function createTaskEvents(store: Store): TaskEvents {
  const changes = new EventEmitter().setMaxListeners(0);
  const closing = new AbortController();
  const after = (taskId: string, sequence: number): readonly TaskEvent[] =>
    store
      .all(
        "SELECT * FROM task_events WHERE task_id = ? AND sequence > ? ORDER BY sequence",
        taskId,
        sequence,
      )
      .map(parseEvent);

  return {
    add(taskId, kind, state, now, detail) {
      store.run(
        `INSERT INTO task_events SELECT ?1, 1 + (SELECT count(*) FROM task_events WHERE task_id = ?1),
         ?2, ?3, ?4, ?5, ?6, ?7, ?8`,
        taskId,
        now,
        kind,
        state,
        detail.hotkey ?? "",
        detail.score ?? null,
        detail.message ?? "",
        Number(detail.demonstration ?? false),
      );
      store.afterCommit(() => changes.emit(taskId));
    },
    after,
    async *watch(taskId, afterSequence, signal, isOver) {
      const stop = AbortSignal.any([signal, closing.signal]);
      let sequence = afterSequence;
      let wake = (): void => {};
      const onChange = (): void => wake();
      changes.on(taskId, onChange);
      stop.addEventListener("abort", onChange);
      try {
        for (;;) {
          const changed = new Promise<void>((resolve) => {
            wake = resolve;
          });
          for (const event of after(taskId, sequence)) {
            sequence = event.sequence;
            yield event;
          }
          if (stop.aborted) {
            return;
          }
          if (isOver() && after(taskId, sequence).length === 0) {
            return;
          }
          await changed;
        }
      } finally {
        changes.off(taskId, onChange);
        stop.removeEventListener("abort", onChange);
      }
    },
    [Symbol.dispose]: () => closing.abort(),
  };
}
