/** The threads in which axons do what costs time. One set serves all axons of a process. */
import { type AxonLimits, defaultAxonLimits } from "./limits.ts";
import type { OpenedBody, OpenJob } from "./open-body.ts";
import { startThreads } from "./threads.ts";
import type { VerifyJob } from "./verify-thread.ts";

export interface AxonThreads extends AsyncDisposable {
  /**
   * Whether the signature is right; undefined when too many wait.
   * @param urgent of a caller who proved itself lately: goes first, and waits in a queue of its own
   */
  verify(job: VerifyJob, urgent: boolean): Promise<boolean> | undefined;
  /** The same for a caller whose request was let in: it always waits, since a hotkey has a bounded number of those. */
  verifyAdmitted(job: VerifyJob): Promise<boolean>;
  /** Opens a large body; takes its bytes away from this thread. Undefined when too many wait. */
  open(job: OpenJob): Promise<OpenedBody> | undefined;
}

/**
 * Signatures that a thread is sent at one time, known callers' and others'. On a busy machine it takes milliseconds to
 * wake a thread, so one by one would be slow; eight of strangers delay a known caller by 3 ms.
 */
const verifyAhead = 32;
const verifyAheadOthers = 8;
/** Large bodies that wait to be opened: their budget allows fewer. */
const openQueue = 1024;

export function startAxonThreads(limits: Partial<AxonLimits> = {}): AxonThreads {
  const { verifyThreads, verifyQueue } = { ...defaultAxonLimits, ...limits };
  const verifiers = startThreads<VerifyJob, boolean>({
    module: new URL("./verify-thread.ts", import.meta.url),
    threads: verifyThreads,
    ahead: verifyAhead,
    aheadOthers: verifyAheadOthers,
    queue: verifyQueue,
    eager: true, // loading takes half a second, for which the first caller should not wait
  });
  const openers = startThreads<OpenJob, OpenedBody>({
    module: new URL("./open-thread.ts", import.meta.url),
    threads: 1,
    ahead: 1,
    aheadOthers: 1,
    queue: openQueue,
    eager: false,
  });
  return {
    verify: (job, urgent) => verifiers.run(job, { urgent }),
    verifyAdmitted: async (job) =>
      (await verifiers.run(job, { urgent: true, admitted: true })) ?? false,
    open: (job) => openers.run(job, { transfer: job.pieces.map(({ buffer }) => buffer) }),
    async [Symbol.asyncDispose]() {
      await Promise.all([verifiers[Symbol.asyncDispose](), openers[Symbol.asyncDispose]()]);
    },
  };
}
