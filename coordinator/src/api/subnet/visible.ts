/**
 * What everybody may see of tasks, and nothing else decides it: who answers the public asks here, and gets no more.
 *
 * Y1 A client's task is not there at all, unless the operator shows them: neither its id and prompt nor its copies, and
 *    of a verdict on one of them not the reason, which may have words of the prompt.
 * Y2 As long as a miner may still work on a task, nobody learns its cameras (the seed and the elevations that follow from
 *    it), and nobody gets a copy's asset, its hash or the miner's signature: who has them could hand them in, or aim at
 *    the cameras.
 * Y3 Nobody learns who asked for a task: the client's name is that of an API key.
 * Y4 Hotkeys, scores, verdicts and the words of synthetic tasks are public.
 */
import type { ScoreReport } from "@turntable/proto";
import type { HistoryEntry } from "../../miners/index.ts";
import type { Submission } from "../../submissions/index.ts";
import {
  type Assignment,
  isEnded,
  isOpen,
  type Task,
  type TaskClass,
  type TaskEvent,
  type TaskState,
  type Tasks,
} from "../../tasks/index.ts";

/** A task without what nobody learns (Y2, Y3). */
export interface VisibleTask
  extends Pick<
    Task,
    | "id"
    | "class"
    | "prompt"
    | "state"
    | "createdAt"
    | "expiresAt"
    | "endedAt"
    | "assignments"
    | "bestAssignment"
    | "failure"
  > {
  /** It has ended, and nothing of it is open: Y2 does not hold any more. */
  readonly isPublished: boolean;
}

/** What a miner made, or is making. */
export interface VisibleCopy {
  readonly task: VisibleTask;
  readonly assignment: Assignment;
}

/** What came with a submission, as far as it is told at any time. */
export type VisibleSubmission = Pick<Submission, "receivedAt" | "feedback">;

export interface VisibleVerdict extends Omit<HistoryEntry, "assignmentId"> {
  /** Undefined when the task is not shown, or not kept any more. */
  readonly copy: { readonly id: string; readonly taskId: string } | undefined;
}

export interface Visible {
  /** Undefined when there is none that may be seen. */
  task(id: string): VisibleTask | undefined;
  /** As `TaskReading.recent`. */
  recent(
    of: { readonly class: TaskClass | undefined; readonly states: readonly TaskState[] },
    limit: number,
    before: string | undefined,
  ): { readonly tasks: readonly VisibleTask[]; readonly last: string | undefined } | undefined;
  changes(task: VisibleTask): readonly TaskEvent[];
  /** Wakes after each change, until nothing of the task can change any more. */
  watch(task: VisibleTask, after: number, signal: AbortSignal): AsyncIterable<TaskEvent>;
  copy(id: string): VisibleCopy | undefined;
  /** Undefined when nothing was submitted. */
  submission(copy: VisibleCopy): VisibleSubmission | undefined;
  /** Undefined when nothing was scored; without what is still secret. */
  report(copy: VisibleCopy): ScoreReport | undefined;
  /** What was submitted, with its asset; undefined while that is a secret, and when nothing was. */
  asset(copy: VisibleCopy): Submission | undefined;
  verdict(entry: HistoryEntry): VisibleVerdict;
}

export interface VisibleOptions {
  readonly tasks: Pick<Tasks, "get" | "assignment" | "recent" | "events" | "watch" | "taskOf">;
  /** A submission by its id, which is its assignment's. */
  readonly submissionOf: (id: string) => Submission | undefined;
  /** A report by its submission's id; undefined when that was not scored. */
  readonly reportOf: (id: string) => ScoreReport | undefined;
  /** Whether tasks of clients are shown (Y1). */
  readonly showClientTasks: boolean;
}

export function createVisible(options: VisibleOptions): Visible {
  const { tasks, submissionOf, reportOf, showClientTasks } = options;
  const isShown = (taskClass: TaskClass): boolean => showClientTasks || taskClass === "synthetic"; // Y1
  const task = (id: string): VisibleTask | undefined => {
    const found = tasks.get(id);
    return found !== undefined && isShown(found.class) ? visibleTask(found) : undefined;
  };
  return {
    task,
    recent(of, limit, before) {
      if (of.class === "organic" && !showClientTasks) {
        return { tasks: [], last: undefined };
      }
      const shown = showClientTasks ? of.class : "synthetic";
      const found = tasks.recent({ class: shown, states: of.states }, limit, before);
      return found && { tasks: found.tasks.map(visibleTask), last: found.last };
    },
    changes: ({ id }) => tasks.events(id, 0),
    watch: ({ id }, after, signal) => tasks.watch(id, after, signal, "settled"),
    copy(id) {
      const of = tasks.taskOf(id);
      const found = of === undefined || !isShown(of.class) ? undefined : task(of.id);
      const assignment = found?.assignments.find((one) => one.id === id);
      return found === undefined || assignment === undefined
        ? undefined
        : { task: found, assignment };
    },
    submission({ assignment }) {
      const found = submissionOf(assignment.id);
      return found && { receivedAt: found.receivedAt, feedback: found.feedback };
    },
    report({ task: { isPublished }, assignment }) {
      const found = reportOf(assignment.id);
      return found === undefined || isPublished ? found : withoutSecrets(found);
    },
    asset: ({ task: { isPublished }, assignment }) =>
      isPublished ? submissionOf(assignment.id) : undefined, // Y2
    verdict({ assignmentId, ...entry }) {
      const of = assignmentId === undefined ? undefined : tasks.taskOf(assignmentId);
      if (assignmentId === undefined) {
        return { ...entry, copy: undefined };
      }
      // Of a task that is not kept any more nobody knows whose it was.
      if (of === undefined || !isShown(of.class)) {
        return { ...entry, reason: showClientTasks ? entry.reason : "", copy: undefined };
      }
      return { ...entry, copy: { id: assignmentId, taskId: of.id } };
    },
  };
}

function visibleTask(task: Task): VisibleTask {
  return {
    id: task.id,
    class: task.class,
    prompt: task.prompt,
    state: task.state,
    createdAt: task.createdAt,
    expiresAt: task.expiresAt,
    endedAt: task.endedAt,
    assignments: task.assignments,
    bestAssignment: task.bestAssignment,
    failure: task.failure,
    isPublished: isEnded(task.state) && !task.assignments.some(isOpen),
  };
}

/** Y2 */
function withoutSecrets(report: ScoreReport): ScoreReport {
  return {
    ...report,
    cameraSeed: 0n,
    views: report.views.map((view) => ({ ...view, elevationDeg: 0 })),
    assetSha256: new Uint8Array(),
    signature: new Uint8Array(),
  };
}
