import { beginWatch } from "../watching.ts";
import { findScoring, messageOf, type Rpc, type ScoringOptions } from "./service.ts";

/** A scoring as it stands, and after each change, until it has ended. */
export function watchScoring(options: ScoringOptions): Rpc<"watchScoring"> {
  const { scorings } = options;
  return async function* ({ scoringId }, call) {
    findScoring(options, scoringId, call);
    const watching = beginWatch(options, call.signal);
    for await (const scoring of scorings.watch(scoringId, watching.signal)) {
      yield { scoring: await messageOf(options, scoring) };
    }
    watching.throwIfCut();
  };
}
