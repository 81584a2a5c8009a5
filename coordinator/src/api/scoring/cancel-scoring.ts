import { findScoring, messageOf, type Rpc, type ScoringOptions } from "./service.ts";

/** Ends a scoring; one that has ended stays as it is. */
export function cancelScoring(options: ScoringOptions): Rpc<"cancelScoring"> {
  return async ({ scoringId }, call) => {
    findScoring(options, scoringId, call);
    options.cancel(scoringId);
    return { scoring: await messageOf(options, findScoring(options, scoringId, call)) };
  };
}
