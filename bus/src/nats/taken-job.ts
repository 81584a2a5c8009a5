/** A job in a worker's hands: kept alive until it is settled, or lost when that fails for too long (Q5). */
import type { Msg } from "@nats-io/transport-node";
import { context } from "@opentelemetry/api";
import { FaultCause, type RenderScoreJob } from "@turntable/proto";
import {
  AssetGoneError,
  JobNotOursError,
  JobWithdrawnError,
  QueueUnavailableError,
  resultSubject,
  type TakenJob,
} from "../contract.ts";
import { replicaId } from "../job-identity.ts";
import type { AssetStore } from "./assets.ts";
import { bury } from "./dead-letters.ts";
import { type HandBacks, isWithdrawn, noteHandBack, tryOf } from "./hand-backs.ts";
import { ack, type Delivery, inProgress, nak, term } from "./jetstream.ts";
import type { NatsLink } from "./link.ts";
import {
  encodeResult,
  leftoverHeaders,
  messageIdOf,
  oneLine,
  replyToOf,
  resultHeaders,
  traceOf,
} from "./messages.ts";
import { backoffMs, pause } from "./waiting.ts";

export type JobEnding = "completed" | "handedBack" | "terminated" | "withdrawn" | "lost";

export interface TakenJobOptions {
  readonly link: NatsLink;
  readonly assets: AssetStore;
  readonly message: Msg;
  readonly delivery: Delivery;
  /** What became of the deliveries before this one. */
  readonly earlier: HandBacks;
  readonly job: RenderScoreJob;
  readonly workerId: string;
  /** Called once. */
  readonly onEnd: (ending: JobEnding) => void;
}

const noBytes = new Uint8Array();

type State = "inWork" | "settling" | "ended";

/** Two may fail before the job is given to another worker. */
const keepAlivesPerAckWait = 3;
/** Between two tries to store what became of a job. */
const longestSettlePauseMs = 500;

export function createTakenJob(options: TakenJobOptions): TakenJob {
  const { link, assets, message, delivery, earlier, job, workerId } = options;
  const { ackWaitMs } = link.rules();
  const lost = new AbortController();
  /** Whatever is still fetched for it then is in vain. */
  const over = new AbortController();
  let state: State = "inWork";
  /** Until then nobody else is given the job. By a clock that no one sets. */
  let oursUntilMs = performance.now() + ackWaitMs;
  const keepAliveTimer = setInterval(() => void keepAlive(), ackWaitMs / keepAlivesPerAckWait);

  async function keepAlive(): Promise<void> {
    if (isOverdue()) {
      end("lost");
      return;
    }
    // It may be up for moments only, as while one of the streams has no leader.
    if (!(await link.whenUp(over.signal)) || isOverdue()) {
      return;
    }
    const sentAtMs = performance.now();
    try {
      await confirm(inProgress, ackWaitMs / keepAlivesPerAckWait);
      oursUntilMs = sentAtMs + ackWaitMs;
    } catch {
      // the next one may get through
    }
  }

  /** Not renewed then even when the link works again: it may have been given to another meanwhile. */
  function isOverdue(): boolean {
    return performance.now() >= oursUntilMs;
  }

  /** Sends an ack of some kind and waits until the server has it. */
  function confirm(kind: string, timeoutMs: number): Promise<unknown> {
    return link.request(delivery.ackSubject, kind, { timeoutMs });
  }

  function end(ending: JobEnding): void {
    if (state === "ended") {
      return;
    }
    state = "ended";
    clearInterval(keepAliveTimer);
    over.abort();
    if (ending === "lost") {
      lost.abort(
        new JobNotOursError(`job ${job.jobId} could not be kept alive for ${ackWaitMs} ms`),
      );
    }
    options.onEnd(ending);
  }

  /** Does `store` until the queue has taken it, for as long as the job is ours, and then drops the job. */
  async function settle(
    ending: JobEnding,
    store: () => Promise<void>,
    drop: () => Promise<unknown> | undefined,
  ): Promise<void> {
    beginSettling();
    try {
      await whileOurs(store);
    } catch (error) {
      if (state === "settling") {
        state = "inWork"; // it could not be stored for a reason of its own; settle it in another way
      }
      throw error;
    }
    // A lost ack costs another attempt, whose result is dropped as a double.
    await drop()?.catch(() => undefined);
    end(ending);
  }

  function beginSettling(): void {
    if (state !== "inWork") {
      throw notOurs();
    }
    state = "settling";
  }

  async function whileOurs(store: () => Promise<void>): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      if (!(await link.whenUp(lost.signal))) {
        throw lost.signal.aborted ? notOurs() : new QueueUnavailableError("the queue is shut down");
      }
      try {
        return await store();
      } catch (error) {
        if (!(error instanceof QueueUnavailableError)) {
          throw error;
        }
        if (attempt === 0) {
          link.report(`job ${job.jobId} could not be settled yet`, error);
        }
        await pause(Math.min(backoffMs(attempt), longestSettlePauseMs), lost.signal);
      }
    }
  }

  function notOurs(): JobNotOursError {
    return new JobNotOursError(
      lost.signal.aborted
        ? `job ${job.jobId} was lost: it could not be kept alive`
        : `job ${job.jobId} was settled before`,
    );
  }

  const object = job.asset.case === "assetObject" ? job.asset.value : undefined;
  const replyTo = replyToOf(message);
  const attempt = tryOf(delivery, earlier);
  return {
    job,
    attempt,
    trace: traceOf(message),
    signal: lost.signal,
    async fetchAsset() {
      if (job.asset.case === "inlineAsset") {
        // A copy: the bytes lie in the connection's receive buffer, among others' messages.
        return new Uint8Array(job.asset.value);
      }
      try {
        return await assets.fetch(object ?? "", over.signal);
      } catch (error) {
        if (
          !(error instanceof AssetGoneError) ||
          !(await isWithdrawn(link, messageIdOf(message)))
        ) {
          throw error;
        }
        link.send(delivery.ackSubject, ack);
        end("withdrawn");
        throw new JobWithdrawnError(`job ${job.jobId} was withdrawn`);
      }
    },
    async complete(result) {
      const payload = encodeResult(result);
      if (replyTo !== undefined) {
        return settle(
          "completed",
          () => link.tell(replyTo, payload),
          () => confirm(ack, link.requestTimeoutMs),
        );
      }
      const id = replicaId(job);
      const trace = context.active(); // Q9
      let isDouble = false;
      await settle(
        "completed",
        async () => {
          const hdrs = resultHeaders(id, trace, object);
          isDouble = (await link.publish(resultSubject, payload, hdrs)).duplicate;
        },
        () => {
          if (object === undefined || !isDouble) {
            link.send(delivery.ackSubject, ack);
            return undefined;
          }
          // No result will come that carries this object's name: the coordinator is told to remove it (Q7).
          return link
            .publish(
              resultSubject,
              noBytes,
              leftoverHeaders(`${id}.double.${delivery.streamSequence}`, object),
            )
            .then(() => confirm(ack, link.requestTimeoutMs));
        },
      );
    },
    async handBack(delayMs, { begun = true } = {}) {
      beginSettling();
      const told = begun
        ? { handedBack: earlier.handedBack + 1 }
        : { unbegun: earlier.unbegun + 1 };
      await noteHandBack(link, messageIdOf(message), { ...earlier, ...told });
      // When it does not get through, the ack wait gives the job back.
      await confirm(nak(delayMs), link.requestTimeoutMs).catch(() => undefined);
      end("handedBack");
    },
    async terminate(reason) {
      const cause = FaultCause.HOPELESS;
      const burial = { message, delivery, job, attempts: attempt, reason, cause, workerId };
      await settle(
        "terminated",
        () => bury(link, burial),
        () => confirm(term(oneLine(reason)), link.requestTimeoutMs),
      );
    },
  };
}
