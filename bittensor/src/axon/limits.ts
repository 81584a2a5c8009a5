/** What an axon allows, all of it configuration. Sizes in bytes, times in milliseconds, rates a second. */
export interface AxonLimits {
  /** Connections at one time. */
  readonly connections: number;
  /** How many of `connections` are kept for addresses whose callers have proved themselves within `knownMs`. */
  readonly connectionsForKnown: number;
  /** Connections of one address (IPv6: of one /64). */
  readonly connectionsOfAddress: number;
  /** The same for an address whose callers have proved themselves: many miners may share one. */
  readonly connectionsOfKnown: number;
  /** How long a proof counts for an address and a hotkey. */
  readonly knownMs: number;
  /** A caller has this long to send a request's head. */
  readonly headMs: number;
  /** A caller has this long to send a whole request. */
  readonly requestMs: number;
  /** How often the two times above are looked at. */
  readonly checkEveryMs: number;
  /** A connection without a request is closed after this. Python's clients keep theirs for 15 s and must be first. */
  readonly keepAliveMs: number;
  /** A refused connection is read on for this long, so that its caller sees the answer; then it is destroyed. */
  readonly lingerMs: number;
  /** A caller has this long to take an answer off our hands. */
  readonly answerMs: number;
  /** Header lines of a request. */
  readonly headers: number;
  /** A body that comes in more slowly than this, after `bodyGraceMs` on account, is cut off. */
  readonly bodyLeastBytesPerS: number;
  readonly bodyGraceMs: number;
  /** Up to here a body needs no budget and is read on the main thread; beyond, it is a large one. */
  readonly smallBodyBytes: number;
  /** Large bodies at one time, all together. One hotkey has one of them at a time. */
  readonly bodiesBytes: number;
  /** Bytes of a refused body that are read and thrown away, so that a caller who has proved itself sees the answer. */
  readonly drainBytes: number;
  /** The same for everybody else. */
  readonly drainStrangerBytes: number;
  /** Levels of objects and lists in a body. */
  readonly bodyDepth: number;
  /** Values in a body, those of unknown fields included. */
  readonly bodyValues: number;
  /** A body without its payload, for classes that carry one. */
  readonly bodyRestBytes: number;
  /** Requests without a proof that one address may make on average, and at once. */
  readonly strangerPerS: number;
  readonly strangerBurst: number;
  /** Proven requests that one hotkey may make on average, and at once. */
  readonly hotkeyPerS: number;
  readonly hotkeyBurst: number;
  /** Calls of one hotkey in progress, those that wait for a verdict included. */
  readonly hotkeyCalls: number;
  /** Threads that verify signatures. */
  readonly verifyThreads: number;
  /** Signatures that wait to be verified: of callers known by address and hotkey, and as many of all others. */
  readonly verifyQueue: number;
  /** Addresses and hotkeys remembered at one time, for each purpose. */
  readonly remembered: number;
  /** Calls in progress get this long at shutdown. */
  readonly graceMs: number;
}

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;

export const defaultAxonLimits: AxonLimits = {
  connections: 4096,
  connectionsForKnown: 1024,
  connectionsOfAddress: 64,
  connectionsOfKnown: 512,
  knownMs: 3_600_000,
  headMs: 10_000,
  requestMs: 300_000,
  checkEveryMs: 2_000,
  keepAliveMs: 30_000,
  lingerMs: 500,
  answerMs: 10_000,
  headers: 128,
  bodyLeastBytesPerS: 8 * kibibyte,
  bodyGraceMs: 10_000,
  smallBodyBytes: 64 * kibibyte,
  bodiesBytes: 512 * mebibyte,
  drainBytes: 256 * mebibyte,
  drainStrangerBytes: 16 * mebibyte,
  bodyDepth: 32,
  bodyValues: 10_000,
  bodyRestBytes: mebibyte,
  strangerPerS: 5,
  strangerBurst: 100,
  hotkeyPerS: 5,
  hotkeyBurst: 100,
  hotkeyCalls: 16,
  verifyThreads: 1,
  verifyQueue: 256,
  remembered: 100_000,
  graceMs: 20_000,
};

/** Why something was refused or cut off: the label of a counter. Each is a limit above. */
export type RefusalReason =
  /** All connections are taken, or all that strangers may have. */
  | "connections"
  | "address-connections"
  /** A stranger's connection without a request made place for a newer one. */
  | "evicted"
  | "head-size"
  | "slow-request"
  | "slow-body"
  | "slow-reader"
  | "pipelined"
  | "address-rate"
  | "hotkey-rate"
  | "hotkey-calls"
  | "verify-queue"
  | "body-size"
  | "body-budget"
  /** The hotkey sends another large body just now. */
  | "body-of-hotkey"
  /** Too deep, too many values, or too much beside the payload. */
  | "body-shape"
  /** The hotkey has used too many nonces of a clock that starts anew. */
  | "nonces";

export interface Refusal {
  readonly reason: RefusalReason;
  /** IP address of the connection. */
  readonly remoteAddress: string;
}
