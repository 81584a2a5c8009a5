import type { Context } from "@opentelemetry/api";
import { contextOf } from "@turntable/process";
import { z } from "zod";

/** What a client asked for, or what the prompt dataset offers to miners that would otherwise idle. */
export type TaskClass = "organic" | "synthetic";

/** In the order of the lifecycle; the last three are ends. */
export type TaskState = "queued" | "assigned" | "scoring" | "succeeded" | "failed" | "cancelled";

/** `generating` and `scoring` are open, all others ends; the verdicts among them are those of `VerdictKind`. */
export type AssignmentState = "generating" | "scoring" | "abandoned" | VerdictKind;

/**
 * `duplicate`: somebody has handed the same object in before, who keeps it. `cancelled`: the client took its task back
 * before there was anything to say.
 */
export type VerdictKind =
  | "accepted"
  | "rejected"
  | "invalid-asset"
  | "duplicate"
  | "system-fault"
  | "cancelled";

export interface Task {
  readonly id: string;
  readonly class: TaskClass;
  /** The name of who asked for it; others do not see it. */
  readonly client: string;
  readonly prompt: string;
  readonly state: TaskState;
  /** 64 bits that the camera elevations follow from; secret until the task has ended. */
  readonly cameraSeed: bigint;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly expiresAt: Date;
  /** Undefined until it has succeeded, failed or been cancelled. */
  readonly endedAt: Date | undefined;
  /** The trace in which it was created, and to which all work on it belongs; the root context when there was none. */
  readonly trace: Context;
  readonly assignments: readonly Assignment[];
  /** Id of the assignment whose submission is the result; undefined while there is none. */
  readonly bestAssignment: string | undefined;
  readonly failure: { readonly code: string; readonly message: string } | undefined;
}

/** A task lent to a miner. Its submission and its job have the same id, see `Submission`. */
export interface Assignment {
  readonly id: string;
  readonly taskId: string;
  /** The miner's, ss58. */
  readonly hotkey: string;
  /** Counts this task's assignments to this miner, from 1. */
  readonly attempt: number;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  /** Its place among the task's submissions, from 1; undefined until something was submitted. */
  readonly submittedAs: number | undefined;
  /** Undefined until it was abandoned or got its verdict; a verdict that overrules a system fault moves it. */
  readonly endedAt: Date | undefined;
  readonly state: AssignmentState;
  /** 0 to 1; undefined when nothing was scored. */
  readonly score: number | undefined;
  /** A demonstration model gave the score. */
  readonly demonstration: boolean;
  /** Words for the miner and the client; empty when there is nothing to add. */
  readonly reason: string;
}

/** One state change, as it is stored and watched. */
export interface TaskEvent {
  readonly taskId: string;
  /** Counts the changes of one task, from 1 without gaps. */
  readonly sequence: number;
  readonly at: Date;
  readonly kind: TaskEventKind;
  /** The task's state after the change. */
  readonly state: TaskState;
  /** The miner that the change is about, ss58; empty when it is about none. */
  readonly hotkey: string;
  readonly score: number | undefined;
  /** A demonstration model gave the score. */
  readonly demonstration: boolean;
  readonly message: string;
}

export type TaskEventKind =
  | "created"
  | "assigned"
  | "submitted"
  | "abandoned"
  | VerdictKind
  | "succeeded"
  | "failed";

/** A row of the table `tasks`. */
export const taskRow = z.object({
  id: z.string(),
  class: z.enum(["organic", "synthetic"]),
  client: z.string(),
  prompt: z.string(),
  state: z.enum(["queued", "assigned", "scoring", "succeeded", "failed", "cancelled"]),
  camera_seed: z.string(),
  created_at: z.number(),
  updated_at: z.number(),
  expires_at: z.number(),
  ended_at: z.number().nullable(),
  traceparent: z.string().nullable(),
  best_assignment: z.string().nullable(),
  first_accepted_at: z.number().nullable(),
  failure_code: z.string().nullable(),
  failure_message: z.string().nullable(),
});
export type TaskRow = z.infer<typeof taskRow>;

const assignmentRow = z.object({
  id: z.string(),
  task_id: z.string(),
  hotkey: z.string(),
  attempt: z.number(),
  created_at: z.number(),
  expires_at: z.number(),
  submitted_as: z.number().nullable(),
  ended_at: z.number().nullable(),
  state: z.enum([
    "generating",
    "scoring",
    "abandoned",
    "accepted",
    "rejected",
    "invalid-asset",
    "duplicate",
    "system-fault",
    "cancelled",
  ]),
  score: z.number().nullable(),
  demonstration: z.number(),
  reason: z.string(),
});

const eventRow = z.object({
  task_id: z.string(),
  sequence: z.number(),
  at: z.number(),
  kind: z.enum([
    "created",
    "assigned",
    "submitted",
    "abandoned",
    "accepted",
    "rejected",
    "invalid-asset",
    "duplicate",
    "system-fault",
    "cancelled",
    "succeeded",
    "failed",
  ]),
  state: taskRow.shape.state,
  hotkey: z.string(),
  score: z.number().nullable(),
  demonstration: z.number(),
  message: z.string(),
});

/** A task from its row and its assignments. */
export function parseTask(row: TaskRow, assignments: readonly Assignment[]): Task {
  return {
    id: row.id,
    class: row.class,
    client: row.client,
    prompt: row.prompt,
    state: row.state,
    cameraSeed: BigInt(row.camera_seed),
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
    expiresAt: new Date(row.expires_at),
    endedAt: row.ended_at === null ? undefined : new Date(row.ended_at),
    trace: contextOf(row.traceparent ?? undefined),
    assignments,
    bestAssignment: row.best_assignment ?? undefined,
    failure:
      row.failure_code === null
        ? undefined
        : { code: row.failure_code, message: row.failure_message ?? "" },
  };
}

/**
 * Parses a row of the table `assignments`.
 * @throws ZodError when it is none
 */
export function parseAssignment(value: unknown): Assignment {
  const row = assignmentRow.parse(value);
  return {
    id: row.id,
    taskId: row.task_id,
    hotkey: row.hotkey,
    attempt: row.attempt,
    createdAt: new Date(row.created_at),
    expiresAt: new Date(row.expires_at),
    submittedAs: row.submitted_as ?? undefined,
    endedAt: row.ended_at === null ? undefined : new Date(row.ended_at),
    state: row.state,
    score: row.score ?? undefined,
    demonstration: row.demonstration === 1,
    reason: row.reason,
  };
}

/**
 * Parses a row of the table `task_events`.
 * @throws ZodError when it is none
 */
export function parseEvent(value: unknown): TaskEvent {
  const row = eventRow.parse(value);
  return {
    taskId: row.task_id,
    sequence: row.sequence,
    at: new Date(row.at),
    kind: row.kind,
    state: row.state,
    hotkey: row.hotkey,
    score: row.score ?? undefined,
    demonstration: row.demonstration === 1,
    message: row.message,
  };
}

/** Whether a task in this state has ended. */
export function isEnded(state: TaskState): boolean {
  return state === "succeeded" || state === "failed" || state === "cancelled";
}

/** Whether the assignment has not ended: its miner works on it, or it waits for its verdict. */
export function isOpen(assignment: Assignment): boolean {
  return assignment.state === "generating" || assignment.state === "scoring";
}
