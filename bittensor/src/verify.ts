/** Verifying what others signed, and nothing else: it runs in browsers as well. */
export { verifySignature } from "./keys/signature.ts";
export { readyToVerify } from "./keys/verify.ts";
export { type ProtocolYear, type SubmissionFacts, signedYear } from "./synapse/submission.ts";
