/** What changing tasks throws when nothing more can be written, and telling of it when another coordinator leads. */
export { NotReplicatedError, StorageFullError } from "../store/index.ts";
export { type PromptProblem, promptProblem } from "./prompt.ts";
export type { EndCount, Faults, RecentTasks, TaskReading } from "./reading.ts";
export {
  type Assignment,
  type AssignmentState,
  isEnded,
  isOpen,
  type Task,
  type TaskClass,
  type TaskEvent,
  type TaskEventKind,
  type TaskState,
  type VerdictKind,
} from "./task.ts";
export {
  type CancelOutcome,
  type CreateOutcome,
  type CreateTask,
  cancelledReason,
  createTasks,
  type Tasks,
  type TasksOptions,
  type Verdict,
} from "./tasks.ts";
