import { findScoring, messageOf, type Rpc, type ScoringOptions } from "./service.ts";

/** One scoring of the caller's, with its report once it has one. */
export function getScoring(options: ScoringOptions): Rpc<"getScoring"> {
  return async ({ scoringId }, call) => ({
    scoring: await messageOf(options, findScoring(options, scoringId, call)),
  });
}
