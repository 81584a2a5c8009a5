export { type DuplicateLimits, defaultDuplicateLimits } from "./duplicates.ts";
export type { Feedback, Submission } from "./submission.ts";
export {
  createSubmissions,
  type ReceiveSubmission,
  type ResultOutcome,
  type Submissions,
  type SubmissionsOptions,
} from "./submissions.ts";
