/**
 * What miners are told, in the subnet's own spelling: one answer for clients of both years (2024 and 2025).
 * Nothing here knows of HTTP; identity is the hotkey that the axon has verified.
 */
import { context, trace } from "@opentelemetry/api";
import type { Payload } from "@turntable/bittensor/axon";
import { inSpan } from "@turntable/process";
import type { Miner, Miners, RuleSet } from "../miners/index.ts";
import type { Feedback, Submission, Submissions } from "../submissions/index.ts";
import type { Assignment, Task, Tasks } from "../tasks/index.ts";

export interface MinerProtocolOptions {
  /** Hotkey of the axon that miners speak to, ss58. */
  readonly validator: string;
  readonly tasks: Tasks;
  readonly miners: Miners;
  readonly submissions: Submissions;
  readonly rules: RuleSet;
  /** A prompt for a synthetic task; undefined when there shall be none. */
  readonly drawPrompt: () => string | undefined;
  /** Which year's text the miner signed; undefined when the signature is wrong. */
  readonly verify: (signed: SignedResults) => ProtocolYear | undefined;
  /** Why no task is lent now, besides those that miners have; undefined when they are. */
  readonly lendsNothing: () => string | undefined;
  readonly onAssigned: (task: Task, hotkey: string) => void;
  /** A submission is on disk and waits for its verdict. */
  readonly onSubmitted: (submission: Submission, hotkey: string) => void;
  /** ms since 1970 UTC */
  readonly now: () => number;
}

/** The year of the subnet's protocol that a client speaks; known by what it signs. */
export type ProtocolYear = "2024" | "2025";

/** What a miner's signature is over. */
export interface SignedResults {
  /** The miner's, ss58. */
  readonly hotkey: string;
  readonly prompt: string;
  /** Nanoseconds since 1970 by the miner's clock. */
  readonly submitTime: bigint;
  /** base64 as it came */
  readonly signature: string;
}

/** The fields of SubmitResults that we read. */
export interface Results {
  readonly taskId: string;
  /** The prompt that came along with the task (2024); undefined when none did. */
  readonly prompt: string | undefined;
  /** The asset, decoded; empty when the miner gives the task back. */
  readonly asset: Payload;
  /** Lets go of the asset: it is on disk, or not needed. */
  readonly release: () => void;
  readonly dataFormat: string;
  readonly dataVersion: number;
  readonly compression: number;
  /** Nanoseconds since 1970 by the miner's clock. */
  readonly submitTime: bigint;
  /** base64 */
  readonly signature: string;
}

export interface PullAnswer {
  readonly task: { readonly type: "text"; readonly id: string; readonly prompt: string } | null;
  /** Seconds since 1970 UTC. */
  readonly submit_before: number;
  readonly validation_threshold: number;
  /** Seconds. */
  readonly throttle_period: number;
  /** Seconds since 1970 UTC. */
  readonly cooldown_until: number;
  readonly cooldown_violations: number;
}

export interface FeedbackAnswer {
  readonly validation_failed: boolean;
  readonly task_fidelity_score: number;
  readonly average_fidelity_score: number;
  readonly generations_within_8_hours: number;
  readonly generations_within_the_window: number;
  readonly current_duel_rating: number;
  readonly current_miner_reward: number;
  /** Fields of ours, the verdict and its reason in words; clients that do not know them skip them. */
  readonly verdict: string;
  readonly reason: string;
}

export interface SubmitAnswer {
  /** Null tells a miner of 2024 to try again. */
  readonly feedback: FeedbackAnswer | null;
  /** Seconds since 1970 UTC. */
  readonly cooldown_until: number;
}

/** `hotkey` is the verified caller's, ss58. */
export interface MinerProtocol {
  /** Answers PullTask: the task that the miner has in work, a new one, or when to come back. */
  pull(hotkey: string): PullAnswer;
  /**
   * Answers SubmitResults, once there is a verdict.
   * @param signal aborted when the answer has to go out, verdict or not
   */
  submit(hotkey: string, results: Results, signal: AbortSignal): Promise<SubmitAnswer>;
}

/** The protocol of one axon. */
export function createMinerProtocol(options: MinerProtocolOptions): MinerProtocol {
  const { tasks, miners, submissions, rules, now } = options;

  const lend = (hotkey: string): Assignment | undefined => {
    const organic = tasks.assignOrganic(hotkey, now());
    if (organic !== undefined) return organic;
    const prompt = options.drawPrompt();
    if (prompt === undefined) return undefined;
    const made = tasks.create({ class: "synthetic", prompt, client: "synthetic" }, now());
    return made.kind === "created" ? tasks.assign(made.task.id, hotkey, now()) : undefined;
  };

  const pullAnswer = (miner: Miner, task: Task | undefined, cooldownUntil: number): PullAnswer => ({
    task: task === undefined ? null : { type: "text", id: task.id, prompt: task.prompt },
    submit_before: task === undefined ? 0 : Math.floor(task.expiresAt.getTime() / 1000),
    validation_threshold: rules.acceptance,
    throttle_period: 0,
    cooldown_until: Math.ceil(cooldownUntil / 1000),
    cooldown_violations: miner.cooldownViolations,
  });

  /** A wrong task or signature: it costs a cooldown, and an assignment that it was meant for ends. */
  const violation = (
    hotkey: string,
    assignment: Assignment | undefined,
    reason: string,
  ): SubmitAnswer => {
    miners.countViolation(hotkey, now());
    if (assignment === undefined) return answer(standing(hotkey, "rejected", reason));
    return answer(submissions.refuse(assignment, { kind: "rejected", reason }, now()));
  };

  /** Where the miner stands: what it is told when there is nothing to score. */
  const standing = (hotkey: string, verdict: Feedback["verdict"], reason: string): Feedback => {
    const miner = miners.get(hotkey, now());
    return { ...miner, verdict, reason, score: 0, fidelity: 0 };
  };

  const waitForVerdict = async (
    submission: Submission,
    protocolYear: ProtocolYear,
    hotkey: string,
    signal: AbortSignal,
  ): Promise<SubmitAnswer> => {
    const feedback = await submissions.feedback(submission.id, signal);
    if (feedback !== undefined && feedback.verdict !== "system-fault") return answer(feedback);
    const fault = standing(
      hotkey,
      "system-fault",
      "validation could not be finished; not your fault",
    );
    return protocolYear === "2025" ? answer(fault) : { ...answer(fault), feedback: null };
  };

  /** The miner's latest assignment of the task; it ends here when its time is over and the next tick is still to come. */
  const latestInTime = (hotkey: string, taskId: string): Assignment | undefined => {
    const found = taskId === "" ? undefined : tasks.latestAssignment(hotkey, taskId);
    if (found?.state !== "generating" || now() < found.expiresAt.getTime()) return found;
    tasks.abandon(found.id, "nothing was submitted in time", now());
    return tasks.assignment(found.id);
  };

  return {
    pull(hotkey) {
      const miner = miners.get(hotkey, now());
      const open = tasks.openAssignment(hotkey, now());
      if (open !== undefined) return pullAnswer(miner, tasks.get(open.taskId), 0);
      if (now() < miner.cooldownUntil) {
        miners.countCooldownViolation(hotkey);
        return pullAnswer(miners.get(hotkey, now()), undefined, miner.cooldownUntil);
      }
      const assignment = options.lendsNothing() === undefined ? lend(hotkey) : undefined;
      const task = assignment === undefined ? undefined : tasks.get(assignment.taskId);
      if (task === undefined) return pullAnswer(miner, undefined, now() + rules.idleMs);
      options.onAssigned(task, hotkey);
      return pullAnswer(miner, task, 0);
    },

    async submit(hotkey, results, signal) {
      const assignment = latestInTime(hotkey, results.taskId);
      const task = assignment === undefined ? undefined : tasks.get(assignment.taskId);
      if (assignment === undefined || task === undefined) {
        return violation(hotkey, undefined, "this task was not assigned to you");
      }
      const known = submissions.get(assignment.id);
      const signed = { ...results, hotkey, prompt: task.prompt };
      if (known !== undefined) {
        results.release();
        return waitForVerdict(known, options.verify(signed) ?? "2024", hotkey, signal);
      }
      if (assignment.state !== "generating") {
        const verdict = assignment.state === "invalid-asset" ? "invalid-asset" : "rejected";
        return answer(standing(hotkey, verdict, assignment.reason));
      }
      if (results.prompt !== undefined && results.prompt !== task.prompt) {
        return violation(hotkey, assignment, "the prompt is not the one that was assigned");
      }
      const { asset } = results;
      if (asset.kind === "bytes" && asset.sizeBytes === 0) {
        tasks.abandon(assignment.id, "given back by the miner", now());
        miners.startCooldown(hotkey, now());
        return answer(standing(hotkey, "rejected", "given back"));
      }
      const protocolYear = options.verify(signed);
      if (protocolYear === undefined) {
        return violation(hotkey, assignment, "the signature of the results is wrong");
      }
      if (asset.kind === "malformed") {
        const reason = "malformed: results are not base64";
        return answer(submissions.refuse(assignment, { kind: "invalid-asset", reason }, now()));
      }
      const submission = await inTraceOf(task, async () => {
        const received = await submissions.receive(
          {
            assignment,
            validator: options.validator,
            bytes: asset.take(),
            sha256: asset.sha256,
            format: results.dataFormat,
            formatVersion: results.dataVersion,
            compression: results.compression,
            submitTime: results.submitTime,
            signature: Buffer.from(results.signature, "base64"),
          },
          now(),
        );
        if (received !== undefined) options.onSubmitted(received, hotkey);
        return received;
      });
      results.release();
      if (submission === undefined) return answer(standing(hotkey, "rejected", "too late"));
      return waitForVerdict(submission, protocolYear, hotkey, signal);
    },
  };
}

/**
 * What becomes of a submission belongs to the trace of its task, so that whoever asked for that sees it to its end; the
 * miner's request, in a trace of its own, is linked.
 */
function inTraceOf<T>(task: Task, work: () => Promise<T>): Promise<T> {
  const request = context.active();
  const isTraced = trace.getSpanContext(task.trace) !== undefined;
  return inSpan(
    "submission",
    {
      parent: isTraced ? task.trace : request,
      links: isTraced ? [request] : [],
      attributes: { task_id: task.id },
    },
    work,
  );
}

function answer(feedback: Feedback): SubmitAnswer {
  return {
    feedback: {
      validation_failed: feedback.verdict === "system-fault",
      task_fidelity_score: feedback.fidelity,
      average_fidelity_score: feedback.averageFidelity,
      generations_within_8_hours: feedback.observations,
      generations_within_the_window: feedback.observations,
      current_duel_rating: 0,
      current_miner_reward: feedback.reward,
      verdict: feedback.verdict,
      reason: feedback.reason,
    },
    cooldown_until: Math.ceil(feedback.cooldownUntil / 1000),
  };
}
