export { type DuplicateLimits, defaultDuplicateLimits } from "./duplicates.ts";
export type { ReplacedScore } from "./replace-score.ts";
export type { Feedback, Submission } from "./submission.ts";
export {
  type Accepted,
  createSubmissions,
  type ReceiveSubmission,
  type ResultOutcome,
  type Submissions,
  type SubmissionsOptions,
} from "./submissions.ts";
export { type ByClass, meanWaits, oldestWaiting } from "./waits.ts";
