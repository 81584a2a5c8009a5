/** What pages show while it changes: calls and streams of the coordinator, which come back by themselves after a break. */
import { Code, ConnectError } from "@connectrpc/connect";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";

/** How a stream stands. `lost` comes back by itself; `refused` would be refused again. */
export type LiveState = "connecting" | "live" | "lost" | "ended" | "refused";

export interface Live<T> {
  /** The latest; it stays while the stream is lost. */
  readonly value: T | undefined;
  readonly state: LiveState;
  readonly error?: unknown;
}

const firstPauseMs = 500;
const longestPauseMs = 15_000;
/** A tab that nobody looks at gives its connection back: browsers have six for each host. */
const hiddenGraceMs = 5_000;

/** Codes that the same call would get again. */
const lasting: ReadonlySet<Code> = new Set([
  Code.InvalidArgument,
  Code.NotFound,
  Code.PermissionDenied,
  Code.Unauthenticated,
  Code.Unimplemented,
  Code.FailedPrecondition,
]);

export function isLasting(error: unknown): boolean {
  return lasting.has(ConnectError.from(error).code);
}

/** Before the next try, in ms: twice as long after each failure, and never at the same time as everybody else. */
export function pauseMs(failures: number, random: () => number): number {
  const longest = Math.min(longestPauseMs, firstPauseMs * 2 ** failures);
  return longest * (0.5 + random() / 2);
}

/**
 * Follows a stream as long as the page is looked at.
 * @param open opens it, and is called again after a break
 * @param fold makes of what was there and the next message what is there now
 * @param key of another value, it is another stream; undefined: none
 */
export function useStream<M, T>(
  open: (signal: AbortSignal) => AsyncIterable<M>,
  fold: (before: T | undefined, message: M) => T | undefined,
  key: string | undefined,
): Live<T> {
  const [live, setLive] = useState<Live<T>>({ value: undefined, state: "connecting" });
  const latest = useRef({ open, fold });
  latest.current = { open, fold };
  useEffect(() => {
    setLive({ value: undefined, state: "connecting" });
    if (key === undefined) {
      return;
    }
    return follow({
      open: (signal) => latest.current.open(signal),
      onMessage: (message) =>
        setLive(({ value }) => ({ value: latest.current.fold(value, message), state: "live" })),
      onState: (state, error) => setLive(({ value }) => ({ value, state, error })),
    });
  }, [key]);
  return live;
}

interface Following<M> {
  readonly open: (signal: AbortSignal) => AsyncIterable<M>;
  readonly onMessage: (message: M) => void;
  readonly onState: (state: LiveState, error?: unknown) => void;
}

/** @returns what ends it */
function follow<M>({ open, onMessage, onState }: Following<M>): () => void {
  const left = new AbortController();
  let wake = (): void => undefined;
  const run = async (): Promise<void> => {
    let failures = 0;
    while (!left.signal.aborted) {
      await seen(left.signal);
      using watch = hidden(left.signal);
      try {
        for await (const message of open(watch.signal)) {
          failures = 0;
          onMessage(message);
        }
        return onState("ended");
      } catch (error) {
        if (left.signal.aborted) {
          return;
        }
        if (isLasting(error)) {
          return onState("refused", error);
        }
        onState("lost", error);
      }
      const ms = pauseMs(failures, Math.random);
      failures += 1;
      await new Promise<void>((resolve) => {
        wake = resolve;
        setTimeout(resolve, ms);
      });
    }
  };
  const online = (): void => wake();
  addEventListener("online", online);
  left.signal.addEventListener("abort", () => {
    removeEventListener("online", online);
    wake();
  });
  void run();
  return () => left.abort();
}

/** Resolves when the page is looked at, or is left. */
function seen(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (!document.hidden || signal.aborted) {
      return resolve();
    }
    const look = (): void => {
      if (!document.hidden || signal.aborted) {
        document.removeEventListener("visibilitychange", look);
        resolve();
      }
    };
    document.addEventListener("visibilitychange", look);
    signal.addEventListener("abort", look, { once: true });
  });
}

/** A signal that is aborted when the page is left, or was hidden for some time. */
function hidden(left: AbortSignal): Disposable & { readonly signal: AbortSignal } {
  const unseen = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = (): void => {
    clearTimeout(timer);
    if (document.hidden) {
      timer = setTimeout(() => unseen.abort(), hiddenGraceMs);
    }
  };
  document.addEventListener("visibilitychange", look);
  return {
    signal: AbortSignal.any([left, unseen.signal]),
    [Symbol.dispose]() {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", look);
      unseen.abort(); // the connection of a loop that was left early
    },
  };
}

export interface Called<T> {
  /** The latest answer; it stays while it is asked for again. */
  readonly value: T | undefined;
  readonly error: unknown;
  readonly loading: boolean;
  readonly reload: () => void;
}

/**
 * Calls once, and again when the key changes or the caller wants it.
 * @param key undefined: it is not called
 */
export function useCall<T>(
  call: (signal: AbortSignal) => Promise<T>,
  key: string | undefined,
): Called<T> {
  const [state, setState] = useState<{
    readonly key?: string | undefined;
    readonly value?: T;
    readonly error?: unknown;
  }>({});
  const [round, setRound] = useState(0);
  const latest = useRef(call);
  latest.current = call;
  useEffect(() => {
    if (key === undefined) {
      return;
    }
    const left = new AbortController();
    latest.current(left.signal).then(
      (value) => left.signal.aborted || setState({ key, value }),
      (error: unknown) =>
        left.signal.aborted ||
        setState((before) => (before.key === key ? { ...before, error } : { key, error })),
    );
    return () => left.abort();
  }, [key, round]);
  const reload = useCallback(() => setRound((before) => before + 1), []);
  const current = state.key === key ? state : {};
  const { value, error } = current;
  return { value, error, loading: value === undefined && error === undefined, reload };
}

/** Calls `tick` again and again while the page is looked at. */
export function useEvery(ms: number, tick: () => void): void {
  const latest = useRef(tick);
  latest.current = tick;
  useEffect(() => {
    const timer = setInterval(() => document.hidden || latest.current(), ms);
    return () => clearInterval(timer);
  }, [ms]);
}
