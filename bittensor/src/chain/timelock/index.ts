export { type CommitPayload, decodePayload, encodePayload } from "./payload.ts";
export {
  type EpochState,
  type LegacyState,
  legacyRevealBlock,
  legacyRound,
  type RoundOptions,
  revealBlockOf,
  statefulRound,
} from "./round.ts";
export {
  decryptWithSignature,
  type EncryptOptions,
  encryptToRound,
  maxCommitBytes,
  quicknet,
  roundPoint,
  TimelockError,
  type TimelockSecrets,
} from "./timelock.ts";
