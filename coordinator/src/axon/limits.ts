/** The limits of the axon as the configuration has them. */
import { type AxonLimits, defaultAxonLimits } from "@turntable/bittensor/axon";
import { z } from "zod";

const whole = (name: keyof AxonLimits, meaning: string, least = 1) =>
  z.number().int().min(least).default(defaultAxonLimits[name]).describe(meaning);

/** Python's clients keep idle connections for 15 s; one that we close first can cost a call. */
const leastKeepAliveMs = 16_000;

/** Options of the configuration's group `limits`. What has run out is counted by `turntable_refused_total`. */
export const axonLimitOptions = {
  connections: whole("connections", "axon: connections at one time"),
  connectionsForKnown: whole(
    "connectionsForKnown",
    "axon: connections kept for addresses whose miners proved themselves lately",
    0,
  ),
  connectionsOfAddress: whole("connectionsOfAddress", "axon: connections of one address or /64"),
  connectionsOfKnown: whole(
    "connectionsOfKnown",
    "axon: connections of an address whose miners proved themselves lately",
  ),
  knownMs: whole("knownMs", "axon: how long a verified request makes its address known"),
  headMs: whole("headMs", "axon: time to send a request's head"),
  requestMs: whole("requestMs", "axon: time to send a whole request"),
  checkEveryMs: whole("checkEveryMs", "axon: how often these times are looked at"),
  keepAliveMs: whole(
    "keepAliveMs",
    "axon: an idle connection is closed after this; above the 15 s of Python's clients",
    leastKeepAliveMs,
  ),
  lingerMs: whole("lingerMs", "axon: a refused connection is destroyed after this"),
  answerMs: whole("answerMs", "axon: time to take an answer"),
  headers: whole("headers", "axon: header lines of a request"),
  bodyLeastBytesPerS: whole("bodyLeastBytesPerS", "axon: a slower body is cut off, bytes a second"),
  bodyGraceMs: whole("bodyGraceMs", "axon: how long a body may pause in all"),
  smallBodyBytes: whole(
    "smallBodyBytes",
    "axon: up to here a body needs no budget and no thread of its own",
  ),
  bodiesBytes: whole("bodiesBytes", "axon: larger bodies in memory at one time, one a hotkey"),
  drainBytes: whole(
    "drainBytes",
    "axon: refused bodies that are read, so that a known miner sees the answer",
    0,
  ),
  drainStrangerBytes: whole("drainStrangerBytes", "axon: the same for strangers", 0),
  bodyDepth: whole("bodyDepth", "axon: levels of objects and lists in a body"),
  bodyValues: whole("bodyValues", "axon: values in a body, unknown fields included"),
  bodyRestBytes: whole("bodyRestBytes", "axon: SubmitResults without its results"),
  strangerPerS: whole("strangerPerS", "axon: unproven requests of an address, a second"),
  strangerBurst: whole("strangerBurst", "axon: the same at once"),
  hotkeyPerS: whole("hotkeyPerS", "axon: proven requests of a hotkey, a second"),
  hotkeyBurst: whole("hotkeyBurst", "axon: the same at once"),
  hotkeyCalls: whole("hotkeyCalls", "axon: calls of a hotkey in progress, waiting ones included"),
  verifyThreads: whole("verifyThreads", "axon: threads that verify signatures"),
  verifyQueue: whole(
    "verifyQueue",
    "axon: signatures that wait, of known miners and as many of others",
  ),
  remembered: whole("remembered", "axon: addresses and hotkeys remembered, for each purpose"),
};

/**
 * The largest body of SubmitResults, in bytes. The largest asset of the subnet's miners is a PLY with three degrees of
 * harmonics, 248 bytes a splat: 250,000 splats make 62 MB, and 83 MB of base64; what is common now (SPZ) has 1 to 10.
 */
export const defaultSubmissionBytes = 96 * 1024 * 1024;
