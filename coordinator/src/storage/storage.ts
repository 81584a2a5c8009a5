/**
 * Brings accepted assets to places outside, one after the other, beside everything else: verdicts never wait for it.
 *
 * A1 An asset that could not be stored is tried again, three times in all; each try has longer.
 * A2 A place that is away costs no asset a try: it is asked again, ever more rarely, and the queue waits.
 */
import { startLoop } from "@turntable/process";
import type { NotQueued, StorageQueue } from "./queue.ts";
import { StorageAwayError, type StorageTarget, type StoredItem } from "./target.ts";

export type StorageEvent =
  | {
      readonly kind: "stored";
      readonly target: string;
      readonly id: string;
      readonly contentId: string;
      readonly durationMs: number;
    }
  /** A try has failed; `isLast`: it is given up. */
  | {
      readonly kind: "failed";
      readonly target: string;
      readonly id: string;
      readonly reason: string;
      readonly isLast: boolean;
    }
  | {
      readonly kind: "not-queued";
      readonly target: string;
      readonly id: string;
      readonly reason: NotQueued;
    }
  /** Nothing can be stored there; it is asked again after `retryMs`. */
  | {
      readonly kind: "away";
      readonly target: string;
      readonly reason: string;
      readonly retryMs: number;
    }
  | { readonly kind: "back"; readonly target: string };

export interface StartStorage {
  readonly queue: StorageQueue;
  readonly targets: readonly StorageTarget[];
  /** What was submitted with this id, with its bytes; undefined when it is gone. */
  readonly load: (id: string) => Promise<StoredItem | undefined>;
  readonly onEvent: (event: StorageEvent) => void;
  readonly onTrouble: (what: string, error: unknown) => void;
  /** ms since 1970 UTC */
  readonly now: () => number;
}

export interface Storage extends AsyncDisposable {
  /** Stores what is due, as happens every second by itself. */
  look(): Promise<void>;
}

/** How long each try of an asset may take, in ms: those of the validators of 2024. */
const triesMs = [120_000, 240_000, 360_000] as const;
/** Between two tries of an asset, in ms. */
const betweenTriesMs = 60_000;
/** Between two looks at the queue, in ms. */
const lookMs = 1_000;
/** Assets that are stored at the same time at one place: each is in memory meanwhile. */
const atOnce = 2;
/** A place that is away is asked again after this, in ms, after each further failure twice as late ... */
const firstAwayMs = 5_000;
/** ... but at least so often. */
const longestAwayMs = 600_000;

/** Stores until it is disposed; what is at work then is ended, and done at the next start. Disposes the targets. */
export function startStorage(options: StartStorage): Storage {
  const stack = new AsyncDisposableStack();
  const loops = options.targets.map((target) => {
    stack.use(target);
    const run = createTargetRun(target, options);
    return stack.use(
      startLoop({
        everyMs: lookMs,
        run,
        onTrouble: (error) =>
          options.onTrouble(`what waits for ${target.name} could not be stored`, error),
      }),
    );
  });
  return {
    async look() {
      await Promise.all(loops.map((loop) => loop.runNow()));
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Stores all that is due at one place. */
function createTargetRun(
  target: StorageTarget,
  { queue, load, onEvent, now }: StartStorage,
): (signal: AbortSignal) => Promise<void> {
  const { name } = target;
  let awayInARow = 0;
  let askAgainAt = 0;

  const away = (reason: string): void => {
    const retryMs = Math.min(longestAwayMs, firstAwayMs * 2 ** awayInARow++);
    askAgainAt = now() + retryMs;
    onEvent({ kind: "away", target: name, reason, retryMs });
  };
  const back = (): void => {
    if (awayInARow > 0) {
      onEvent({ kind: "back", target: name });
    }
    awayInARow = 0;
  };
  const failed = (id: string, tries: number, reason: string): void => {
    const isLast = tries + 1 >= triesMs.length;
    if (isLast) {
      queue.drop(name, id);
    } else {
      queue.failed(name, id, reason, now() + betweenTriesMs); // A1
    }
    onEvent({ kind: "failed", target: name, id, reason, isLast });
  };
  /** @returns why the place takes nothing now; undefined when it does */
  const storeOne = async (
    id: string,
    tries: number,
    signal: AbortSignal,
  ): Promise<string | undefined> => {
    const item = await load(id);
    if (item === undefined) {
      queue.drop(name, id);
      onEvent({ kind: "failed", target: name, id, reason: "the asset is gone", isLast: true });
      return undefined;
    }
    const limitMs = triesMs[Math.min(tries, triesMs.length - 1)] ?? 0;
    const deadline = AbortSignal.timeout(limitMs);
    const startedAt = performance.now();
    try {
      const contentId = await target.store(item, tries, AbortSignal.any([signal, deadline]));
      const at = now();
      queue.stored({ target: name, id, contentId, at, keepsMs: target.keepsMs });
      back();
      const durationMs = Math.round(performance.now() - startedAt);
      onEvent({ kind: "stored", target: name, id, contentId, durationMs });
      return undefined;
    } catch (error) {
      if (signal.aborted) {
        return undefined; // stopped: this was no try
      }
      const said = error instanceof Error ? error.message : String(error);
      if (error instanceof StorageAwayError && !deadline.aborted) {
        return said; // A2
      }
      failed(id, tries, deadline.aborted ? `not stored within ${limitMs / 1_000} s` : said);
      return undefined;
    }
  };

  return async (signal) => {
    while (!signal.aborted && (now() >= askAgainAt || askAgainAt > now() + longestAwayMs)) {
      // A place that was away is asked with one asset first.
      const due = queue.due(name, now(), awayInARow > 0 ? 1 : atOnce);
      if (due.length === 0) {
        return;
      }
      const outcomes = await Promise.all(due.map(({ id, tries }) => storeOne(id, tries, signal)));
      const reason = outcomes.find((outcome) => outcome !== undefined);
      if (reason !== undefined) {
        away(reason);
      }
    }
  };
}
