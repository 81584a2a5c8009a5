/** The end of a task: sign what was made, send it until there is an answer. */
import type { AxonTarget, Dendrite } from "@turntable/bittensor/dendrite";
import type { Keypair } from "@turntable/bittensor/keys";
import { signSubmission, submitResults } from "@turntable/bittensor/synapse";
import type { Ending, Packed, Signed, Submission, TaskInHand } from "./store/index.ts";
import type { Timing } from "./timing.ts";

export interface Submitter {
  readonly dendrite: Dendrite;
  readonly hotkey: Keypair;
  /** The subnet's licence consent; without it submissions are signed as of 2024. */
  readonly consentText: string | undefined;
  /** Between two tries, in ms. */
  readonly retryDelayMs: number;
  readonly timing: Timing;
  /** No further try once it is aborted. */
  readonly stopping: AbortSignal;
  /** Breaks a try off. */
  readonly signal: AbortSignal;
  /** Writes down that a try begins. */
  readonly onSending: (signed: Signed) => Signed;
}

/** Source: the subnet's own miner. */
const submitTries = 3;
const submitTimeoutMs = 300_000;

/** @param asset a text says why the task is given back instead */
export function sign(
  { target, prompt }: TaskInHand,
  asset: Packed | string,
  { hotkey, consentText, timing }: Pick<Submitter, "hotkey" | "consentText" | "timing">,
): Submission {
  const submitTime = BigInt(timing.now()) * 1_000_000n;
  const facts = { submitTime, prompt, validatorHotkey: target.hotkey };
  const signature = signSubmission(hotkey, facts, consentText);
  return { asset, submitTime, signature, sends: 0 };
}

/**
 * Sends what is signed, unchanged from try to try: the validator counts it once. A validator that cannot be reached or
 * has a fault of its own is tried until the deadline, one that answers without feedback three times, and one that says
 * no is not asked again.
 * @param target where the validator is now
 * @returns undefined when a stop came before there was an answer: it is sent again by the next start
 */
export async function send(
  signed: Signed,
  target: AxonTarget,
  submitter: Submitter,
): Promise<Ending | undefined> {
  const { dendrite, timing, stopping, signal } = submitter;
  const { task } = signed;
  const body = bodyOf(signed);
  let current = signed;
  let silences = 0;
  for (;;) {
    if (timing.now() >= task.deadline && current.submission.sends === 0) {
      return ending("expired", "its time was over before it could be sent");
    }
    current = submitter.onSending(current);
    const call = { target, body, timeoutMs: submitTimeoutMs, signal };
    const outcome = await dendrite.call(submitResults, call);
    if (outcome.kind === "ok" && outcome.fields.feedback !== null) {
      return answered(outcome.fields.feedback, outcome.fields.cooldown_until);
    }
    if (outcome.kind === "failure" && outcome.answered && isFinal(outcome.status)) {
      return ending("refused", `${outcome.status} ${outcome.message}`);
    }
    silences += outcome.kind === "ok" ? 1 : 0;
    const isOver = timing.now() >= task.deadline && current.submission.sends >= submitTries;
    if (silences >= submitTries || isOver) {
      return outcome.kind === "ok"
        ? ending("unanswered", "the validator gave no feedback")
        : ending("unreachable", `${outcome.status} ${outcome.message}`);
    }
    try {
      stopping.throwIfAborted();
      await timing.sleep(submitter.retryDelayMs, stopping);
    } catch {
      return undefined;
    }
  }
}

function bodyOf({ task, submission }: Signed) {
  const { asset, submitTime, signature } = submission;
  const packed = typeof asset === "string" ? undefined : asset;
  return {
    task: { type: "text", id: task.id, prompt: task.prompt },
    task_id: task.id,
    results: packed?.bytes.toString("base64") ?? "",
    data_format: packed?.format ?? "ply",
    data_ver: 0,
    compression: packed?.compression ?? 0,
    submit_time: submitTime,
    signature,
  };
}

/** The validator understood and said no; it would say so again. */
function isFinal(status: number | null): boolean {
  return status !== null && status >= 400 && status < 500 && status !== 408 && status !== 429;
}

interface WireFeedback {
  readonly validation_failed: boolean;
  readonly task_fidelity_score: number;
  readonly average_fidelity_score: number;
  readonly generations_within_8_hours: number;
  readonly generations_within_the_window: number;
  readonly current_miner_reward: number;
  readonly verdict: string | undefined;
  readonly reason: string | undefined;
}

function answered(feedback: WireFeedback, cooldownUntilS: number): Ending {
  return {
    outcome: feedback.verdict ?? pythonVerdict(feedback),
    reason: feedback.reason ?? "",
    feedback: {
      fidelity: feedback.task_fidelity_score,
      average: feedback.average_fidelity_score,
      // Two names of one number, of 2024 and of 2025.
      accepted: feedback.generations_within_8_hours || feedback.generations_within_the_window,
      reward: feedback.current_miner_reward,
      cooldownUntil: cooldownUntilS * 1000,
    },
  };
}

/** Python validators have no word for it. */
function pythonVerdict(feedback: WireFeedback): string {
  if (feedback.validation_failed) {
    return "system-fault";
  }
  return feedback.task_fidelity_score > 0 ? "accepted" : "rejected";
}

function ending(outcome: string, reason: string): Ending {
  return { outcome, reason, feedback: undefined };
}
