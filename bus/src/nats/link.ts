/**
 * A connection to NATS that stays: it reconnects for ever and makes sure each time that the server is set up.
 *
 * L1 While the link is down every operation fails at once with QueueUnavailableError, and so does one in flight when
 *    the connection goes down: its answer cannot come any more. Nothing is buffered to be published later.
 * L2 The link is up only when streams and consumers were found, or made, on the server that it is connected to now.
 */
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { createInbox, type Msg, type MsgHdrs, type NatsConnection } from "@nats-io/transport-node";
import { QueueUnavailableError } from "../contract.ts";
import { OvertakenError } from "../state-log.ts";
import { adviceOn, isFromNats, sentenceOf } from "./advice.ts";
import { connectFirst, unreachable } from "./connect.ts";
import type { NatsOptions, NatsRole } from "./options.ts";
import {
  defaultConnectTimeoutMs,
  defaultRequestTimeoutMs,
  inboxPrefixOf,
  NatsServerError,
} from "./options.ts";
import { createRequests, type RequestFailure, type RequestOptions } from "./requests.ts";
import { checkServer } from "./server-check.ts";
import { isMissing, NotSetUpError, type QueueRules } from "./topology.ts";
import { backoffMs, createRelapsePauses, pause } from "./waiting.ts";

export interface NatsLink {
  readonly connection: NatsConnection;
  /** To be used within `run`. */
  readonly manager: JetStreamManager;
  readonly requestTimeoutMs: number;
  /** As found when it last came up. @throws QueueUnavailableError before that */
  rules(): QueueRules;
  /** A new subject on which only this role may listen. */
  createInbox(): string;
  isUp(): boolean;
  /** What a message may carry. @throws QueueUnavailableError when the link is down: another server may allow less */
  maxPayloadBytes(): number;
  /** False when `signal` is aborted or the link is closed before it comes up. */
  whenUp(signal: AbortSignal): Promise<boolean>;
  /** Calls `listener` every time the link goes down, until the function returned is called. */
  onDown(listener: () => void): () => void;
  /** Asks and waits for one answer. @throws QueueUnavailableError when none comes (L1) */
  request(
    subject: string,
    payload: Uint8Array | string,
    options?: Partial<RequestOptions>,
  ): Promise<Msg>;
  /** What needs the client library. @throws QueueUnavailableError for whatever NATS fails with (L1) */
  run<Result>(operation: () => Promise<Result>): Promise<Result>;
  /** Stores a message in a stream. @throws QueueUnavailableError, OvertakenError when another one came before */
  publish(
    subject: string,
    payload: Uint8Array,
    headers: MsgHdrs,
    timeoutMs?: number,
  ): Promise<PublishAck>;
  /** Sends to whoever listens, or nobody; the server has it then. @throws QueueUnavailableError */
  tell(subject: string, payload: Uint8Array): Promise<void>;
  /** Sends without waiting, a moment later and together with others; lost when the link is down. */
  send(subject: string, payload: string): void;
  /** Streams or consumers were found missing: sets them up again. */
  setUpAgain(): void;
  report(what: string, error: unknown): void;
  /** Flushes what was sent and closes. */
  close(): Promise<void>;
}

export interface PublishAck {
  /** The stream had a message with this id already and dropped this one. */
  readonly duplicate: boolean;
  /** The message's place in its stream. */
  readonly sequence: number;
}

type State =
  | { readonly kind: "up" }
  | { readonly kind: "down"; readonly reason: QueueUnavailableError }
  | { readonly kind: "closed" };

/** Between two looks whether somebody else has set the server up. */
const longestLookMs = 1_000;

export interface LinkOptions extends NatsOptions {
  readonly role: NatsRole;
  /**
   * Makes sure that streams and consumers are there, on each server anew, before the link is up.
   * @returns undefined where jobs are no matter
   * @throws NotSetUpError when somebody else has to make them
   */
  readonly prepare: (manager: JetStreamManager) => Promise<QueueRules | undefined>;
}

/**
 * Resolves when the link is up, or waits for somebody else to set the server up.
 * @throws NatsServerError when the server cannot be used, QueueUnavailableError when it cannot be reached within
 * `connectTimeoutMs`
 */
export async function openLink(options: LinkOptions): Promise<NatsLink> {
  const requestTimeoutMs = options.requestTimeoutMs ?? defaultRequestTimeoutMs;
  const connectTimeoutMs = options.connectTimeoutMs ?? defaultConnectTimeoutMs;
  const connecting = AbortSignal.any([
    AbortSignal.timeout(connectTimeoutMs),
    ...(options.signal === undefined ? [] : [options.signal]),
  ]);
  /** Since the link was up: grows the pause between two of them. */
  let dials = 0;
  const pauseMs = () => (dials === 0 ? 0 : backoffMs(dials - 1));
  const connection = await connectFirst(options, pauseMs, connecting);
  const manager = await jetstreamManager(connection, {
    timeout: requestTimeoutMs,
    checkAPI: false, // checkServer does
  });
  const closing = new AbortController();
  const newInbox = () => createInbox(inboxPrefixOf(options.role));
  const requests = createRequests(connection, newInbox(), toError);
  let rules: QueueRules | undefined;
  let state: State = { kind: "down", reason: new QueueUnavailableError("NATS is being set up") };
  let setUpRound = 0;
  /** A stream without a leader is found, and yet nobody listens for what it should store. */
  const relapsePauseMs = createRelapsePauses(() => performance.now());
  /** What `send` was given in this turn, sent together: a system call for each costs more than the rest of an ack. */
  let unsent: (readonly [subject: string, payload: string])[] = [];
  const upWaiters = new Set<() => void>();
  const downListeners = new Set<() => void>();
  const report = (what: string, error: unknown) => {
    options.onEvent?.({ kind: "trouble", what, error });
  };

  const link: NatsLink = {
    connection,
    manager,
    requestTimeoutMs,
    rules() {
      if (rules === undefined) {
        throw downError();
      }
      return rules;
    },
    createInbox: newInbox,
    isUp: () => state.kind === "up",
    maxPayloadBytes() {
      const bytes = connection.info?.max_payload;
      if (state.kind !== "up" || bytes === undefined) {
        throw downError();
      }
      return bytes;
    },
    async whenUp(signal) {
      while (state.kind === "down" && !signal.aborted) {
        const { promise, resolve } = Promise.withResolvers<void>();
        const wake = () => resolve();
        upWaiters.add(wake);
        signal.addEventListener("abort", wake);
        await promise;
        upWaiters.delete(wake);
        signal.removeEventListener("abort", wake);
      }
      return state.kind === "up" && !signal.aborted;
    },
    onDown(listener) {
      downListeners.add(listener);
      return () => downListeners.delete(listener);
    },
    run: (operation) =>
      new Promise((resolve, reject) => {
        if (state.kind !== "up") {
          reject(downError());
          return;
        }
        const fail = (error: unknown) => {
          downListeners.delete(onDown);
          reject(toQueueError(error));
        };
        const onDown = () => fail(downError());
        downListeners.add(onDown);
        operation().then((result) => {
          downListeners.delete(onDown);
          resolve(result);
        }, fail);
      }),
    async request(subject, payload, requestOptions) {
      if (state.kind !== "up") {
        throw downError();
      }
      return requests.request(subject, payload, { timeoutMs: requestTimeoutMs, ...requestOptions });
    },
    async publish(subject, payload, headers, timeoutMs = requestTimeoutMs) {
      const reply = await link.request(subject, payload, { headers, timeoutMs });
      return parsePublishAck(reply.string());
    },
    tell: (subject, payload) =>
      link.run(async () => {
        connection.publish(subject, payload);
        await connection.flush();
      }),
    send(subject, payload) {
      if (unsent.length === 0) {
        setImmediate(sendAll);
      }
      unsent.push([subject, payload]);
    },
    setUpAgain() {
      if (state.kind === "up") {
        goDown("streams or consumers are missing");
        void pause(relapsePauseMs(), closing.signal).then(() => setUp());
      }
    },
    report,
    async close() {
      const wasUp = state.kind === "up";
      sendAll();
      state = { kind: "closed" };
      closing.abort();
      notify(upWaiters);
      // Draining waits for the server, which is not there when the link is down.
      await (wasUp ? connection.drain() : connection.close()).catch(() => connection.close());
      requests.endAll(closedError());
      notify(downListeners);
    },
  };

  void watch();
  try {
    await setUpFirst();
    return link;
  } catch (error) {
    await link.close();
    throw error;
  }

  async function watch(): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === "disconnect") {
        goDown(`disconnected from ${status.server}`);
        requests.endAll(downError());
      } else if (status.type === "reconnecting") {
        dials += 1;
      } else if (status.type === "reconnect") {
        void setUp();
      } else if (status.type === "error") {
        report("NATS reports an error", status.error);
      }
    }
  }

  function sendAll(): void {
    const messages = unsent;
    unsent = [];
    if (state.kind === "up") {
      for (const [subject, payload] of messages) {
        connection.publish(subject, payload);
      }
    }
  }

  function downError(): QueueUnavailableError {
    return state.kind === "down" ? state.reason : closedError();
  }

  function goDown(reason: string): void {
    if (state.kind === "closed") {
      return;
    }
    setUpRound += 1;
    const wasUp = state.kind === "up";
    state = { kind: "down", reason: new QueueUnavailableError(`the queue is away: ${reason}`) };
    if (wasUp) {
      options.onEvent?.({ kind: "down", reason });
      notify(downListeners);
    }
  }

  /** The first time an unusable server or the timeout ends it; waiting for somebody else does not. */
  function setUpFirst(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    setUp({ over: connecting, onWaiting: resolve }).then(resolve, reject);
    return promise;
  }

  /** Tries until the link is up. */
  async function setUp(first?: {
    readonly over: AbortSignal;
    readonly onWaiting: () => void;
  }): Promise<void> {
    setUpRound += 1;
    const round = setUpRound;
    let isWaiting = false;
    /** Said once for as long as it stays the same. */
    let said: string | undefined;
    for (let attempt = 0; round === setUpRound && state.kind === "down"; attempt += 1) {
      try {
        const info = connection.info;
        if (info === undefined) {
          throw closedError();
        }
        checkServer(info);
        rules = await options.prepare(manager);
        if (round === setUpRound && state.kind === "down") {
          state = { kind: "up" };
          dials = 0;
          options.onEvent?.({ kind: "up", server: connection.getServer(), version: info.version });
          notify(upWaiters);
        }
      } catch (error) {
        const isNotSetUp = error instanceof NotSetUpError;
        if (isNotSetUp && first !== undefined) {
          isWaiting = true;
          first.onWaiting();
        }
        const isOver = error instanceof NatsServerError || first?.over.aborted === true;
        if (first !== undefined && !isWaiting && isOver) {
          throw error instanceof NatsServerError ? error : unreachable(options, error);
        }
        const sentence = sentenceOf(error);
        if (round === setUpRound && state.kind === "down") {
          const reason = `the queue is away: ${sentence}`;
          state = { kind: "down", reason: new QueueUnavailableError(reason, { cause: error }) };
        }
        if (sentence !== said) {
          const what = isNotSetUp ? "waiting for the coordinator" : "NATS could not be set up";
          report(what, error);
        }
        said = sentence;
        const pauseMs = backoffMs(attempt);
        await pause(isNotSetUp ? Math.min(pauseMs, longestLookMs) : pauseMs, closing.signal);
      }
    }
    if (first !== undefined && !isWaiting && state.kind === "down") {
      // Disconnected meanwhile; the reconnect has started a round of its own.
      if (!(await link.whenUp(first.over))) {
        throw unreachable(options, state.reason);
      }
    }
  }

  function toError(failure: RequestFailure): QueueUnavailableError {
    if (failure.kind === "timeout") {
      return new QueueUnavailableError(`the queue is away: no answer in ${failure.timeoutMs} ms`);
    }
    // All requests go to subjects of JetStream: where nobody listens, the stream or the consumer is gone, or has no leader.
    // Those that a worker stores into are for the coordinator to make: a job that waits is kept alive over this link meanwhile.
    if (options.role !== "worker" || failure.subject.startsWith("$JS.")) {
      link.setUpAgain();
    }
    return new QueueUnavailableError(`the queue is away: nobody listens on ${failure.subject}`);
  }

  function toQueueError(error: unknown): unknown {
    if (isMissing(error)) {
      link.setUpAgain();
    }
    return isFromNats(error)
      ? new QueueUnavailableError(`the queue is away: ${sentenceOf(error)}`, { cause: error })
      : error;
  }
}

function closedError(): QueueUnavailableError {
  return new QueueUnavailableError("the queue is shut down");
}

/** Of a message that has to come after another one; newer servers have two. Source: nats-server, server/errors.json. */
const wrongLastSequence: readonly (number | undefined)[] = [10071, 10164];

/** @throws QueueUnavailableError when the stream did not take the message, OvertakenError when another one came before */
function parsePublishAck(text: string): PublishAck {
  // The server's own words: {"stream", "seq", "duplicate"?} or {"error": {"description", "err_code"}}.
  const ack = JSON.parse(text) as {
    seq?: number;
    duplicate?: boolean;
    error?: { description?: string; err_code?: number };
  };
  if (wrongLastSequence.includes(ack.error?.err_code)) {
    throw new OvertakenError(`another message came before: ${ack.error?.description}`);
  }
  if (ack.error !== undefined || ack.seq === undefined) {
    const todo = adviceOn(ack.error?.err_code);
    throw new QueueUnavailableError(
      `the queue refuses: ${ack.error?.description ?? text}${todo === undefined ? "" : `: ${todo}`}`,
    );
  }
  return { duplicate: ack.duplicate === true, sequence: ack.seq };
}

function notify(listeners: Iterable<() => void>): void {
  for (const listener of [...listeners]) {
    listener();
  }
}
