import { findScoring, messageOf, type Rpc, type ScoringOptions } from "./service.ts";

/** A scoring as it stands, and after each change, until it has ended. */
export function watchScoring(options: ScoringOptions): Rpc<"watchScoring"> {
  const { scorings, stop } = options;
  return async function* ({ scoringId }, call) {
    findScoring(options, scoringId, call);
    const either = AbortSignal.any([call.signal, stop]);
    for await (const scoring of scorings.watch(scoringId, either)) {
      yield { scoring: await messageOf(options, scoring) };
    }
    // A watch that was cut short must not look like one that came to its end.
    stop.throwIfAborted();
  };
}
