/**
 * The contract between the coordinator and its workers, whatever carries it: names of streams and subjects, and
 * the two sides of the job queue. Two implementations keep it, `@turntable/bus/in-process` and
 * `@turntable/bus/nats`; one suite of contract tests runs over both.
 *
 * Invariants, referred to as Q1 to Q12 where they are kept:
 * Q1  When `submit` has returned, the job survives a crash of every process, of the NATS server too. In process nothing
 *     survives: the coordinator submits again what has no result.
 * Q2  A job is done at least once. It leaves the queue only after its result was published.
 * Q3  A result counts once: results are told apart by `<job id>.<replica>`, a double is dropped where possible,
 *     and consumers treat one that slips through as already applied.
 * Q4  Organic jobs are given out before scoring ones that are already waiting, and those before synthetic ones. That goes
 *     for what was queued when a free worker began to look; a job that comes while it looks may be left to the next one.
 * Q5  A job that is being worked on is kept alive (every third of the ack wait); one whose worker died is given
 *     to another after the ack wait.
 * Q6  A job given out more than `maxDeliver` times, terminated by its worker, or with which `maxSilences` workers fell
 *     silent, goes to the dead letters with its asset for a while, and a result with a system fault says so. Nothing
 *     else removes a job without a verdict, but for one that was withdrawn, and two kinds that leave no letter: one
 *     that is expendable, and one whose caller waits on a reply subject, who may have withdrawn it when it left.
 * Q7  An asset too large for a message travels through the object store and is removed from there when the job's
 *     result has been acknowledged; a dead letter keeps it.
 * Q8  Disposing a side stops taking, lets what is in flight settle, flushes, then closes.
 * Q9  A job carries the OpenTelemetry context that was active when it was submitted, a result that in which it was
 *     completed; of a job that is given up, the job's own.
 * Q10 A job is not given to the workers that it excludes: where they alone are free it waits, and is given up after a
 *     few minutes. That costs it none of its tries.
 * Q11 A worker that is drained finishes what it has taken and takes nothing more until it is resumed, or its process is
 *     started again. Nothing is lost or counted as a try: others take what it would have taken.
 * Q12 A worker that has a job in work takes another only after those that have none had the chance, and one that it
 *     hands back without having begun with it costs that job none of its tries.
 */
import type { Context } from "@opentelemetry/api";
import type { FaultCause, RenderScoreJob, RenderScoreResult } from "@turntable/proto";

/** Stream that holds jobs until they are done. */
export const jobsStream = "JOBS";
/** Stream that holds results until the coordinator has applied them. */
export const resultsStream = "RESULTS";
/** Stream that holds jobs that were given up, until they are replayed or purged. */
export const deadLettersStream = "DEAD_LETTERS";
/** Stream of notes on how often a job was handed back, which deliveries alone do not tell. */
export const handBacksStream = "HAND_BACKS";
/** Object store bucket for assets over what a message may carry. */
export const assetsBucket = "assets";
/** Durable consumer of results. */
export const coordinatorDurable = "coordinator";
export const resultSubject = "turntable.result.v1";

/** How long a queue that shuts down waits for results that are being applied; they come again otherwise. */
export const shutdownGraceMs = 5_000;

/** A client waits; an asset that a client brought; the prompt dataset. */
export type JobClassName = "organic" | "scoring" | "synthetic";
/** In the order in which workers ask. */
export const jobClassNames: readonly JobClassName[] = ["organic", "scoring", "synthetic"];

/** `turntable.job.v1.organic.sn17-seed` */
export function jobSubject(jobClass: JobClassName, profile: string): string {
  return `turntable.job.v1.${jobClass}.${profile}`;
}

/** `workers-organic` */
export function workersDurable(jobClass: JobClassName): string {
  return `workers-${jobClass}`;
}

/** One letter for each job and replica: `turntable.dead-letter.v1.<job id>.<replica>` */
export function deadLetterSubject(jobId: string, replica: number): string {
  return `turntable.dead-letter.v1.${jobId}.${replica}`;
}

/** `turntable.hand-back.v1.<message id of the job>` */
export function handBackSubject(messageId: string): string {
  return `turntable.hand-back.v1.${messageId}`;
}

/** How long, how often; the same for both implementations. */
export interface JobQueueOptions {
  /** A job not acked, handed back or kept alive for this long is given to another worker. */
  readonly ackWaitMs: number;
  /** A job is given out at most this often before it goes to the dead letters. */
  readonly maxDeliver: number;
  /** A dead letter is kept for so long, its asset with it. */
  readonly deadLetterKeepMs: number;
}

/** So many workers may fall silent with one job before it is taken for what kills them. */
export const maxSilences = 2;

export const defaultJobQueueOptions: JobQueueOptions = {
  ackWaitMs: 30_000,
  maxDeliver: 5,
  deadLetterKeepMs: 7 * 24 * 60 * 60 * 1000,
};

/**
 * For how long a job or result submitted a second time is recognised. Covers a coordinator that restarts and
 * submits again what it had just submitted.
 */
export const deduplicationWindowMs = 600_000;

/** The coordinator's side. */
export interface JobQueue extends AsyncDisposable {
  /**
   * Queues a job; its asset is given inline and moved to the object store when it is too large for a message.
   * Submitting the same job id, replica and dispatch number again within the deduplication window has no effect; a
   * higher `dispatch` queues it once more (the coordinator does that with submissions that wait without a verdict).
   * @throws QueueUnavailableError when the queue cannot be reached; nothing is queued then, or it may be, and the
   * caller submits again.
   * @throws InvalidJobError when the job could not travel: no class, no inline asset, an id that is not a token.
   */
  submit(job: RenderScoreJob, options?: SubmitOptions): Promise<void>;
  /**
   * Takes a job that waits out of the queue, as often as it was queued. One that a worker has is left to it, and its
   * result may still come; so is one that an earlier process queued and this one has not. Unknown jobs are nothing.
   * @throws QueueUnavailableError
   */
  withdraw(jobId: string): Promise<void>;
  /**
   * Every result that was not acked yet, then new ones as they come; ends when `signal` is aborted or the queue is
   * disposed. A result that was given out before can still be settled then, until the queue is disposed.
   */
  results(signal?: AbortSignal): AsyncIterable<ResultDelivery>;
  /**
   * How many dead letters there are, one for each replica of a job.
   * @throws QueueUnavailableError
   */
  countDeadLetters(): Promise<number>;
  /** Jobs that were given up, oldest first, without their assets. */
  listDeadLetters(): Promise<readonly DeadLetter[]>;
  /**
   * Queues a dead letter's job again (each replica's), with its asset and its attempts counted anew; false when
   * there is none.
   */
  replayDeadLetter(jobId: string): Promise<boolean>;
  /** Changes when the queue has lost what it held and began anew; jobs submitted before are to be submitted again. */
  incarnation(): Promise<string>;
  /** How many jobs wait or are in work, by class. The coordinator takes an empty queue for one that lost its jobs. */
  depth(): Promise<Readonly<Record<JobClassName, number>>>;
  /**
   * The workers that answer now, each name once.
   * @throws QueueUnavailableError
   */
  workers(): Promise<readonly PresentWorker[]>;
  /**
   * Drains a worker, or resumes it (Q11); to say so again changes nothing. Workers that share a name all hear it.
   * @returns its state then; undefined when no worker of this name is there
   * @throws QueueUnavailableError
   */
  setDraining(workerId: string, draining: boolean): Promise<WorkerState | undefined>;
}

/**
 * What a worker does: `loading` has not asked for its first job yet, `ready` waits for one, `working` has one; `draining`
 * finishes its last, `drained` has none and takes none.
 */
export const workerStates = ["loading", "ready", "working", "draining", "drained"] as const;
export type WorkerState = (typeof workerStates)[number];

/** A worker that is connected to the queue. */
export interface PresentWorker {
  readonly id: string;
  readonly state: WorkerState;
}

export interface SubmitOptions {
  /** Counts the times this job was queued on purpose, from 0. */
  readonly dispatch?: number;
}

export interface ResultDelivery {
  readonly result: RenderScoreResult;
  /** The trace in which the result was made; the root context outside of any. */
  readonly trace: Context;
  /** The result was applied and is on disk: it may be forgotten. */
  ack(): Promise<void>;
  /** It could not be applied now: give it again after `delayMs`. */
  nak(delayMs: number): Promise<void>;
}

export interface DeadLetter {
  readonly job: RenderScoreJob;
  readonly reason: string;
  readonly cause: FaultCause;
  /** How often it was given out. */
  readonly attempts: number;
  readonly at: Date;
}

/** The worker's side. */
export interface JobSource extends AsyncDisposable {
  /**
   * Waits for the next job, by the order of the classes. One call gives one job: a worker calls it once for each renderer.
   * @returns undefined when `signal` is aborted or the source is disposed.
   */
  take(signal: AbortSignal, options?: TakeOptions): Promise<TakenJob | undefined>;
}

export interface TakeOptions {
  /** Until it is aborted the worker has another job in work: those that have none get what is new before. */
  readonly busyUntil?: AbortSignal;
}

/** A job in work. It is kept alive until one of `complete`, `handBack` and `terminate` has been called. */
export interface TakenJob {
  readonly job: RenderScoreJob;
  /** Which delivery this is, from 1. */
  readonly attempt: number;
  /** The trace in which the job was submitted; the root context outside of any. */
  readonly trace: Context;
  /**
   * Aborted when the job is no longer ours (it could not be kept alive): stop working on it, settle nothing.
   */
  readonly signal: AbortSignal;
  /**
   * The asset's bytes, wherever they are, in a buffer of your own; not yet checked against the hash.
   * @throws AssetGoneError when the object store has lost them: terminate the job; QueueUnavailableError: hand it back;
   * JobWithdrawnError when they are gone since the job was withdrawn: it has ended
   */
  fetchAsset(): Promise<Uint8Array>;
  /**
   * Publishes the result, waits until it is stored (while the queue is away, as long as the job is ours), then acks
   * the job.
   * @throws JobNotOursError as the other two, when the job was lost or has been settled before.
   */
  complete(result: RenderScoreResult): Promise<void>;
  /**
   * Gives the job to another try after `delayMs`. One that was not begun with costs it none of its tries.
   */
  handBack(delayMs: number, options?: { readonly begun?: boolean }): Promise<void>;
  /** Gives the job up at once: it goes to the dead letters and a system fault is published. */
  terminate(reason: string): Promise<void>;
}

/** The queue is away (reconnecting, or its storage failed). Try again later. */
export class QueueUnavailableError extends Error {
  override name = "QueueUnavailableError";
  readonly code = "queue-unavailable";
}

/** A job that cannot be queued, whoever tries and however often. */
export class InvalidJobError extends Error {
  override name = "InvalidJobError";
  readonly code = "invalid-job";
}

/** The job was settled before, or was lost and belongs to another worker by now. Nothing to do but drop it. */
export class JobNotOursError extends Error {
  override name = "JobNotOursError";
  readonly code = "job-not-ours";
}

/** The job was withdrawn while it was ours, and has ended. */
export class JobWithdrawnError extends JobNotOursError {
  override name = "JobWithdrawnError";
}

/** The object store does not have the job's asset, and will not. */
export class AssetGoneError extends Error {
  override name = "AssetGoneError";
  readonly code = "asset-gone";
}
