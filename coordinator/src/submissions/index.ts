export {
  createSubmissions,
  type Feedback,
  type ReceiveSubmission,
  type Submission,
  type Submissions,
} from "./submissions.ts";
