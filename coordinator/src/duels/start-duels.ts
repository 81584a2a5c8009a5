/**
 * Has duels judged, one at a time and so many an hour.
 *
 * J1 Both orders are asked for; when the answers disagree it is a draw, so that a judge's liking for a place decides
 *    nothing.
 * J2 Nothing else waits for a duel. A judge that is away, slow or wrong pauses them, longer each time.
 */
import { type Loop, startLoop } from "@turntable/process";
import type { Duel, DuelBook, DuelOutcome } from "./duel-book.ts";
import { type Judge, JudgeError } from "./judge.ts";

export type DuelEvent =
  | {
      readonly kind: "judged";
      readonly outcome: DuelOutcome;
      /** ss58 */
      readonly one: string;
      readonly other: string;
      readonly durationMs: number;
    }
  /** No judgement came; there is a pause before the next try. */
  | { readonly kind: "failed"; readonly error: JudgeError; readonly pauseMs: number };

export interface DuelsOptions {
  readonly book: DuelBook;
  readonly judge: Judge;
  readonly perHour: number;
  readonly onEvent: (event: DuelEvent) => void;
  readonly onTrouble: (what: string, error: unknown) => void;
  /** ms since 1970 UTC */
  readonly now: () => number;
}

const lookEveryMs = 1_000;
const hourMs = 3_600_000;
/** After a failure, doubled with each one after it; ms. */
const firstPauseMs = 10_000;
const longestPauseMs = 600_000;

/** Starts the loop; disposing it breaks a question off. */
export function startDuels(options: DuelsOptions): Loop {
  const { book, now } = options;
  const spacingMs = hourMs / options.perHour;
  let notBefore = (book.lastEndedAt() ?? Number.NEGATIVE_INFINITY) + spacingMs;
  let failures = 0;

  const failed = (duel: Duel, error: JudgeError): void => {
    const pauseMs = Math.max(spacingMs, Math.min(longestPauseMs, firstPauseMs * 2 ** failures));
    failures += 1;
    notBefore = now() + pauseMs; // J2
    if (error.code === "unusable") {
      book.setAside(duel, now());
    }
    options.onEvent({ kind: "failed", error, pauseMs });
  };

  return startLoop({
    everyMs: lookEveryMs,
    async run(signal) {
      book.trim(now());
      const duel = now() < notBefore ? undefined : book.next(now());
      if (duel === undefined) {
        return;
      }
      const startedAt = now();
      try {
        const outcome = await outcomeOf(duel, options.judge, signal);
        failures = 0;
        notBefore = startedAt + spacingMs;
        if (book.end(duel, outcome, now())) {
          const hotkeys = { one: duel.one.hotkey, other: duel.other.hotkey };
          const durationMs = now() - startedAt;
          options.onEvent({ kind: "judged", outcome, ...hotkeys, durationMs });
        }
      } catch (error) {
        if (error instanceof JudgeError) {
          failed(duel, error);
        } else if (!signal.aborted) {
          throw error;
        }
      }
    },
    onTrouble: (error) => options.onTrouble("duels could not be judged", error),
  });
}

/** J1 */
async function outcomeOf(
  { prompt, one, other }: Duel,
  judge: Judge,
  signal: AbortSignal,
): Promise<DuelOutcome> {
  const [mine, theirs] = [one.picture, other.picture];
  const straight = await judge.compare(prompt, { first: mine, second: theirs }, signal);
  const swapped = await judge.compare(prompt, { first: theirs, second: mine }, signal);
  if (straight === "first" && swapped === "second") {
    return "one";
  }
  return straight === "second" && swapped === "first" ? "other" : "draw";
}
