/**
 * Subnet 17's message classes. Where the protocol years 2024 and 2025 differ, one definition holds the fields of
 * both: pydantic ignores what it does not know, and `optional` fields are only sent when they have a value.
 */
import {
  bigint,
  bool,
  float,
  int,
  model,
  nullable,
  optional,
  required,
  str,
  withDefault,
} from "./field.ts";
import { defineSynapse } from "./synapse.ts";

/**
 * What a miner is to make. `type` is `text` or `image`; the protocol of 2024 knows text only and no `type`. Python
 * makes up an id for a task that comes without one, which then fits no task either.
 */
export const taskModel = model({
  type: withDefault(str, "text"),
  id: withDefault(str, ""),
  prompt: withDefault(str, ""),
});

/** The validator's version of 2024. */
export const versionModel = model({
  major: required(int),
  minor: required(int),
  patch: required(int),
});

/** What became of a submission. The counts are the same number under the names of both protocol years. */
export const feedbackModel = model({
  validation_failed: withDefault(bool, false),
  task_fidelity_score: withDefault(float, 0),
  average_fidelity_score: withDefault(float, 0),
  generations_within_8_hours: withDefault(int, 0),
  generations_within_the_window: withDefault(int, 0),
  current_duel_rating: withDefault(float, 0),
  current_miner_reward: withDefault(float, 0),
  /** Ours: the verdict in words, and its reason. */
  verdict: optional(str),
  reason: optional(str),
});

export const pullTask = defineSynapse("PullTask", {
  version: withDefault(nullable(versionModel), null),
  task: withDefault(nullable(taskModel), null),
  /** Unix seconds; 2024 only. */
  submit_before: withDefault(int, 0),
  validation_threshold: withDefault(float, 0.6),
  /** Seconds. */
  throttle_period: withDefault(int, 0),
  /** Unix seconds. */
  cooldown_until: withDefault(int, 0),
  cooldown_violations: withDefault(int, 0),
});

export const submitResults = defineSynapse(
  "SubmitResults",
  {
    /** 2024; left out when there is none, because some versions refuse a null here. */
    task: optional(taskModel),
    /** 2025 */
    task_id: optional(str),
    /** base64 of the asset */
    results: required(str),
    data_format: optional(str),
    data_ver: optional(int),
    /** 0 raw, 1 zstd, 2 spz */
    compression: optional(int),
    /** Nanoseconds since 1970. */
    submit_time: required(bigint),
    /** base64, see `signSubmission` */
    signature: required(str),
    feedback: withDefault(nullable(feedbackModel), null),
    /** Unix seconds. */
    cooldown_until: withDefault(int, 0),
  },
  { timeoutS: 300, maxBodyBytes: 128 << 20, blanked: ["results", "signature"] },
);

/** The public API of 2024: a client asks for an asset. */
export const generate = defineSynapse("Generate", {
  prompt: required(str),
  task_id: withDefault(nullable(str), null),
  /** Seconds between two status checks. */
  polling_interval: withDefault(int, 30),
});

/** Values of StatusCheck's `status`. */
export const generationStatus = {
  inQueue: 100,
  inProgress: 102,
  done: 200,
  notFound: 404,
  rateLimited: 429,
  failed: 500,
} as const;

/** The public API of 2024: how far an asset is; with `done`, the asset itself. */
export const statusCheck = defineSynapse(
  "StatusCheck",
  {
    task_id: required(str),
    status: withDefault(nullable(int), null),
    /** base64 of the asset */
    results: withDefault(nullable(str), null),
  },
  { timeoutS: 300, maxBodyBytes: 128 << 20 },
);

export const getVersion = defineSynapse("GetVersion", {
  version: withDefault(int, 0),
  validation_version: withDefault(str, ""),
});

/** The ping that every axon answers. */
export const ping = defineSynapse("Synapse", {});
