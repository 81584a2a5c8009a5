export {
  type AuthError,
  type AuthOutcome,
  createVerifier,
  type SignedRequest,
  type SignOptions,
  signHeaders,
  type Verifier,
  type VerifierOptions,
} from "./btauth.ts";
