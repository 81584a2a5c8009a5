/** The end of a task: sign what was made, submit it until there is feedback. */
import type { AxonTarget, Dendrite } from "@turntable/bittensor/dendrite";
import type { Keypair } from "@turntable/bittensor/keys";
import { signSubmission, submitResults } from "@turntable/bittensor/synapse";
import type { Packed } from "./packing.ts";
import type { Timing } from "./timing.ts";

export interface Submission {
  readonly target: AxonTarget;
  readonly task: { readonly id: string; readonly prompt: string };
  /** Undefined gives the task back (an empty submission), so that another miner gets it. */
  readonly asset: Packed | undefined;
}

export interface Submitter {
  readonly dendrite: Dendrite;
  readonly hotkey: Keypair;
  readonly consentText: string | undefined;
  readonly retryDelayMs: number;
  readonly timing: Timing;
  /** No further try once it is aborted. */
  readonly stopping: AbortSignal;
  /** Breaks a try off. */
  readonly signal: AbortSignal;
}

/** What came of a submission. */
export type SubmissionOutcome =
  | {
      readonly kind: "answered";
      readonly verdict: string;
      readonly reason: string;
      readonly fidelity: number;
      /** ms since 1970 */
      readonly cooldownUntil: number;
    }
  | { readonly kind: "unanswered"; readonly reason: string };

/** Source: the subnet's own miner. */
const submitTries = 3;
const submitTimeoutMs = 300_000;

/** Repeats the submission, unchanged, while there is no feedback: the validator counts it once. */
export async function submit(
  { target, task, asset }: Submission,
  submitter: Submitter,
): Promise<SubmissionOutcome> {
  const { dendrite, hotkey, timing, stopping, signal } = submitter;
  const submitTime = BigInt(timing.now()) * 1_000_000n;
  const facts = { submitTime, prompt: task.prompt, validatorHotkey: target.hotkey };
  const body = {
    task: { type: "text", id: task.id, prompt: task.prompt },
    task_id: task.id,
    results: asset?.base64 ?? "",
    data_format: asset?.format ?? "ply",
    data_ver: 0,
    compression: asset?.compression ?? 0,
    submit_time: submitTime,
    signature: signSubmission(hotkey, facts, submitter.consentText),
  };
  for (let attempt = 1; ; attempt++) {
    const call = { target, body, timeoutMs: submitTimeoutMs, signal };
    const outcome = await dendrite.call(submitResults, call);
    if (outcome.kind === "ok" && outcome.fields.feedback !== null) {
      return answered(outcome.fields.feedback, outcome.fields.cooldown_until);
    }
    const reason =
      outcome.kind === "failure"
        ? `${outcome.status} ${outcome.message}`
        : "the validator gave no feedback";
    const final = outcome.kind === "failure" && outcome.answered && isFinal(outcome.status);
    if (final || attempt === submitTries || stopping.aborted) {
      return { kind: "unanswered", reason };
    }
    try {
      await timing.sleep(submitter.retryDelayMs, stopping);
    } catch {
      return { kind: "unanswered", reason };
    }
  }
}

/** The validator understood and said no; it would say so again. */
function isFinal(status: number | null): boolean {
  return status !== null && status >= 400 && status < 500 && status !== 408 && status !== 429;
}

interface Feedback {
  readonly validation_failed: boolean;
  readonly task_fidelity_score: number;
  readonly verdict: string | undefined;
  readonly reason: string | undefined;
}

function answered(feedback: Feedback, cooldownUntilS: number): SubmissionOutcome {
  return {
    kind: "answered",
    verdict: feedback.verdict ?? pythonVerdict(feedback),
    reason: feedback.reason ?? "",
    fidelity: feedback.task_fidelity_score,
    cooldownUntil: cooldownUntilS * 1000,
  };
}

/** Python validators have no word for it. */
function pythonVerdict(feedback: Feedback): string {
  if (feedback.validation_failed) {
    return "system-fault";
  }
  return feedback.task_fidelity_score > 0 ? "accepted" : "rejected";
}
