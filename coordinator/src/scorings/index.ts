export { isScoringEnded, type PendingScoring, type Scoring } from "./scoring.ts";
export {
  createScorings,
  defaultScoringLimits,
  type ScoringEnd,
  type ScoringLimits,
  type Scorings,
} from "./scorings.ts";
export { openUploads } from "./uploads.ts";
