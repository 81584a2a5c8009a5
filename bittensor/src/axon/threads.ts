/**
 * Worker threads behind a bounded queue: what is urgent first, then in the order of coming.
 *
 * T1. Jobs that found no place are refused at once; nothing waits without bound but what was bounded before.
 * T2. A thread that dies fails the jobs it had, and the next job gets another one.
 * T3. Threads keep no process alive while they have no job.
 */
import { type MessagePort, parentPort, type Transferable, Worker } from "node:worker_threads";

export interface Threads<Job, Done> extends AsyncDisposable {
  /** Undefined when the queue is full (T1). Rejects when its thread dies. */
  run(job: Job, options?: RunOptions): Promise<Done> | undefined;
}

export interface RunOptions {
  /** Goes before all that are not, and waits in a queue of its own. */
  readonly urgent?: boolean;
  /** Finds a place however long the queue is: who hands it in sees to it that there are not many (T1). */
  readonly admitted?: boolean;
  /** Buffers of the job that are handed over instead of copied. */
  readonly transfer?: readonly Transferable[];
}

export interface ThreadsOptions {
  /** A module that calls `serveThread`. */
  readonly module: URL;
  readonly threads: number;
  /** Jobs that a thread is sent before it has finished the first of them: so it never waits for the main thread. */
  readonly ahead: number;
  /** The same for jobs that are not urgent; the fewer, the sooner comes the turn of one that is. */
  readonly aheadOthers: number;
  /** Jobs that wait, urgent ones and others each. */
  readonly queue: number;
  /** Whether the threads start at once. */
  readonly eager: boolean;
}

export class ThreadError extends Error {
  override name = "ThreadError";
}

interface Waiting {
  readonly job: unknown;
  readonly transfer: readonly Transferable[];
  readonly done: PromiseWithResolvers<unknown>;
}

interface Thread {
  readonly worker: Worker;
  readonly jobs: Map<number, Waiting>;
}

/** What a thread answers: to the job of that number. */
interface Reply {
  readonly id: number;
  readonly done?: unknown;
  readonly error?: unknown;
}

export function startThreads<Job, Done>(options: ThreadsOptions): Threads<Job, Done> {
  const urgent: Waiting[] = [];
  const others: Waiting[] = [];
  const threads = new Set<Thread>();
  let stopped = false;
  let nextId = 0;

  const start = (): Thread => {
    const worker = new Worker(options.module);
    worker.unref();
    const thread: Thread = { worker, jobs: new Map() };
    threads.add(thread);
    const end = (cause: unknown): void => {
      threads.delete(thread);
      for (const { done } of thread.jobs.values()) {
        done.reject(new ThreadError("a thread of the axon ended", { cause }));
      }
      thread.jobs.clear();
      if (!stopped) {
        fill();
      }
    };
    worker.on("message", ({ id, done, error }: Reply) => {
      const waiting = thread.jobs.get(id);
      thread.jobs.delete(id);
      if (error === undefined) {
        waiting?.done.resolve(done);
      } else {
        waiting?.done.reject(new ThreadError("a thread of the axon failed", { cause: error }));
      }
      if (thread.jobs.size === 0) {
        worker.unref();
      }
      fill();
    });
    worker.on("error", end);
    worker.on("exit", end);
    return thread;
  };

  /** The thread that has the least to do, if it may get another job. */
  const free = (ahead: number): Thread | undefined => {
    let least: Thread | undefined;
    for (const thread of threads) {
      if (least === undefined || thread.jobs.size < least.jobs.size) {
        least = thread;
      }
    }
    if (least !== undefined && least.jobs.size === 0) {
      return least;
    }
    if (threads.size < options.threads) {
      return start();
    }
    return least !== undefined && least.jobs.size < ahead ? least : undefined;
  };

  const fill = (): void => {
    while (urgent.length > 0 || others.length > 0) {
      const thread = free(urgent.length > 0 ? options.ahead : options.aheadOthers);
      if (thread === undefined) {
        return;
      }
      const waiting = urgent.shift() ?? others.shift();
      if (waiting === undefined) {
        return;
      }
      const id = nextId++;
      thread.jobs.set(id, waiting);
      thread.worker.ref();
      thread.worker.postMessage({ id, job: waiting.job }, waiting.transfer);
    }
  };

  if (options.eager) {
    for (let count = 0; count < options.threads; count += 1) {
      start();
    }
  }
  return {
    run(job, { urgent: isUrgent = false, admitted = false, transfer = [] } = {}) {
      const queue = isUrgent ? urgent : others;
      if (queue.length >= options.queue && !admitted) {
        return undefined;
      }
      const done = Promise.withResolvers<unknown>();
      if (stopped) {
        done.reject(new ThreadError("the axon has stopped"));
      } else {
        queue.push({ job, transfer, done });
        fill();
      }
      return done.promise as Promise<Done>; // what the module's `serveThread` returns
    },
    async [Symbol.asyncDispose]() {
      stopped = true;
      for (const { done } of [...urgent.splice(0), ...others.splice(0)]) {
        done.reject(new ThreadError("the axon has stopped"));
      }
      await Promise.all(Array.from(threads, ({ worker }) => worker.terminate()));
    },
  };
}

/** The thread's side: answers each job. What it throws fails that job alone. */
export function serveThread<Job, Done>(
  handle: (job: Job) => Done | Promise<Done>,
  transferOf: (done: Done) => readonly Transferable[] = () => [],
  port: MessagePort | null = parentPort,
): void {
  port?.on("message", ({ id, job }: { readonly id: number; readonly job: Job }) => {
    const answer = async (): Promise<void> => {
      try {
        const done = await handle(job);
        port.postMessage({ id, done }, transferOf(done));
      } catch (error) {
        port.postMessage({ id, error });
      }
    };
    void answer();
  });
}
