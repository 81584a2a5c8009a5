/**
 * What miners are told, in the subnet's own spelling: one answer for clients of both years (2024 and 2025).
 * Nothing here knows of HTTP; identity is the hotkey that the axon has verified.
 */

import { context, trace } from "@opentelemetry/api";
import type { ProtocolYear } from "@turntable/bittensor/synapse";
import { inSpan } from "@turntable/process";
import type { Miner, Miners } from "../miners/index.ts";
import type { RuleSet } from "../rules/index.ts";
import type { Feedback, Submission, Submissions } from "../submissions/index.ts";
import type { Assignment, Task, Tasks } from "../tasks/index.ts";
import { problemOf, type Results } from "./results.ts";

export interface MinerProtocolOptions {
  /** Hotkey of the axon that miners speak to, ss58. */
  readonly validator: string;
  readonly tasks: Tasks;
  readonly miners: Miners;
  readonly submissions: Submissions;
  readonly rules: RuleSet;
  /** Whether a miner is among the strongest, which may have an extra copy of an organic task. */
  readonly isStrong: (hotkey: string) => boolean;
  /** A prompt for a synthetic task of this miner (ss58); undefined when there shall be none. */
  readonly drawPrompt: (hotkey: string) => string | undefined;
  /** Which year's text the miner signed; undefined when the signature is wrong. */
  readonly verify: (signed: SignedResults) => Promise<ProtocolYear | undefined>;
  /** Why no task is lent now, besides those that miners have; undefined when they are. */
  readonly lendsNothing: () => string | undefined;
  readonly onAssigned: (task: Task, hotkey: string) => void;
  /** A submission is on disk and waits for its verdict, or has it already. */
  readonly onSubmitted: (submission: Submission, hotkey: string) => void;
  /** Queues the submission for the workers if it is not yet; resolves, never rejects, when that is done or failed. */
  readonly isQueued: (submission: Submission) => Promise<boolean>;
  /** ms since 1970 UTC */
  readonly now: () => number;
}

/** What a miner's signature is over, and who can tell. */
export interface SignedResults extends Pick<Results, "submitTime" | "signature" | "hasSigned"> {
  /** The miner's, ss58. */
  readonly hotkey: string;
  readonly prompt: string;
}

export interface PullAnswer {
  readonly version: { readonly major: number; readonly minor: number; readonly patch: number };
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
  /**
   * Why a PullTask is refused (403), in the subnet's words: its miners of 2024 are, while an earlier task of theirs
   * waits for its verdict. Undefined when it is answered.
   */
  pullRefusal(hotkey: string): string | undefined;
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
    const organic = tasks.assignOrganic(hotkey, now(), options.isStrong);
    if (organic !== undefined) {
      return organic;
    }
    const prompt = options.drawPrompt(hotkey);
    if (prompt === undefined) {
      return undefined;
    }
    return tasks.assignSynthetic(prompt, hotkey, now());
  };

  const version = versionOf(rules.validatorVersion);
  const noTask = (miner: Miner, cooldownUntil: number): PullAnswer => ({
    version,
    task: null,
    submit_before: 0,
    validation_threshold: rules.acceptance,
    throttle_period: Math.floor(rules.throttleMs / 1000),
    cooldown_until: Math.ceil(cooldownUntil / 1000),
    cooldown_violations: miner.cooldownViolations,
  });
  const lent = (miner: Miner, { id, prompt }: Task, { expiresAt }: Assignment): PullAnswer => ({
    ...noTask(miner, 0),
    task: { type: "text", id, prompt },
    submit_before: Math.floor(expiresAt.getTime() / 1000),
  });

  /** A wrong task or signature: it costs a cooldown, and an assignment that it was meant for ends. */
  const violation = (
    hotkey: string,
    assignment: Assignment | undefined,
    code: string,
    reason: string,
  ): SubmitAnswer => {
    if (assignment !== undefined) {
      return answer(
        submissions.refuse(assignment, { kind: "rejected", code, reason }, now(), "violation"),
      );
    }
    miners.recordViolation({ hotkey, code, reason }, now());
    return answer(standing(hotkey, "rejected", reason));
  };

  /** What was submitted can be nobody's asset: the assignment ends with that. */
  const malformed = (assignment: Assignment, problem: string): SubmitAnswer => {
    const reason = `malformed: ${problem}`;
    const verdict = { kind: "invalid-asset", code: "malformed", reason } as const;
    return answer(submissions.refuse(assignment, verdict, now()));
  };

  /** Where the miner stands: what it is told when there is nothing to score. */
  const standing = (hotkey: string, verdict: Feedback["verdict"], reason: string): Feedback => {
    const miner = miners.get(hotkey, now());
    return { ...miner, verdict, reason, score: 0, fidelity: 0 };
  };

  /** What a miner is told that submits for an assignment that has ended without a submission. */
  const ended = ({ hotkey, state, reason }: Assignment): SubmitAnswer => {
    const told = state === "invalid-asset" || state === "cancelled" ? state : "rejected";
    return answer(standing(hotkey, told, reason || "too late"));
  };

  const waitForVerdict = async (
    submission: Submission,
    hotkey: string,
    signal: AbortSignal,
  ): Promise<SubmitAnswer> => {
    // A miner that waited for a queue that is away would wait in vain, and hold its place here.
    const noQueue = new AbortController();
    void options.isQueued(submission).then((isQueued) => {
      if (!isQueued) {
        noQueue.abort();
      }
    });
    const until = AbortSignal.any([signal, noQueue.signal]);
    const feedback = await submissions.feedback(submission.id, until);
    if (feedback !== undefined && feedback.verdict !== "system-fault") {
      return answer(feedback);
    }
    const fault = standing(
      hotkey,
      "system-fault",
      "validation could not be finished; not your fault",
    );
    return submission.protocolYear === "2025"
      ? answer(fault)
      : { ...answer(fault), feedback: null };
  };

  /** The year of a miner that waits for a verdict. */
  const waitingYear = (open: Assignment | undefined): ProtocolYear | undefined =>
    open?.state === "scoring" ? submissions.get(open.id)?.protocolYear : undefined;
  /** What results are for, and what becomes of them before anything of theirs costs time. */
  const lookAt = (hotkey: string, results: Results): Found => {
    const answered = (told: SubmitAnswer): Found => ({ kind: "answered", answer: told });
    tasks.expireOf(hotkey, now());
    const { taskId } = results;
    const assignment = taskId === "" ? undefined : tasks.latestAssignment(hotkey, taskId);
    const task = assignment === undefined ? undefined : tasks.get(assignment.taskId);
    if (assignment === undefined || task === undefined) {
      const reason = "this task was not assigned to you";
      return answered(violation(hotkey, undefined, "not-assigned", reason));
    }
    const submission = submissions.get(assignment.id);
    if (submission !== undefined) {
      return { kind: "known", submission };
    }
    if (assignment.state !== "generating") {
      return answered(ended(assignment));
    }
    if (results.prompt !== undefined && results.prompt !== task.prompt) {
      const reason = "the prompt is not the one that was assigned";
      return answered(violation(hotkey, assignment, "wrong-prompt", reason));
    }
    const { asset } = results;
    if (asset.kind === "bytes" && asset.sizeBytes === 0) {
      submissions.giveBack(assignment, now());
      return answered(answer(standing(hotkey, "rejected", "given back")));
    }
    const problem = problemOf(results, now());
    return problem === undefined
      ? { kind: "open", assignment, task }
      : answered(malformed(assignment, problem));
  };

  return {
    pullRefusal(hotkey) {
      const open = tasks.openAssignment(hotkey, now());
      return waitingYear(open) === "2024" ? "Waiting for the previous task" : undefined;
    },
    pull(hotkey) {
      tasks.expireOf(hotkey, now()); // its silence counts before it gets another task
      const miner = miners.get(hotkey, now());
      const open = tasks.openAssignment(hotkey, now());
      const kept = open === undefined ? undefined : tasks.get(open.taskId);
      // While its verdict is pending, too, a miner of 2025 gets the task again; handing it in twice changes nothing.
      if (open !== undefined && kept !== undefined) {
        return lent(miner, kept, open);
      }
      if (now() < miner.cooldownUntil) {
        miners.countCooldownViolation(hotkey);
        return noTask(miners.get(hotkey, now()), miner.cooldownUntil);
      }
      // Not a penalty: what failed through our fault is not tried as fast as it fails.
      const { inARow, lastAt = 0 } = tasks.faults(hotkey);
      const pausedUntil = lastAt + rules.cooldownMs;
      if (inARow >= rules.faultTries && now() < pausedUntil) {
        return noTask(miner, pausedUntil);
      }
      const assignment = options.lendsNothing() === undefined ? lend(hotkey) : undefined;
      const task = assignment === undefined ? undefined : tasks.get(assignment.taskId);
      if (assignment === undefined || task === undefined) {
        return noTask(miner, now() + rules.idleMs);
      }
      options.onAssigned(task, hotkey);
      return lent(miner, task, assignment);
    },

    async submit(hotkey, results, signal) {
      let found = lookAt(hotkey, results);
      let protocolYear: ProtocolYear | undefined;
      if (found.kind === "open") {
        protocolYear = await options.verify({ ...results, hotkey, prompt: found.task.prompt });
        // Meanwhile its time may be over, or another of the miner's calls has handed it in.
        found = lookAt(hotkey, results);
      }
      if (found.kind === "answered") {
        return found.answer;
      }
      if (found.kind === "known") {
        results.release();
        return waitForVerdict(found.submission, hotkey, signal);
      }
      const { assignment, task } = found;
      const { asset } = results;
      if (protocolYear === undefined) {
        return violation(
          hotkey,
          assignment,
          "wrong-signature",
          "the signature of the results is wrong",
        );
      }
      if (asset.kind === "malformed") {
        return malformed(assignment, "results are not base64");
      }
      const received = await inTraceOf(task, async () => {
        const taken = await submissions.receive(
          {
            assignment,
            validator: options.validator,
            bytes: asset.take(),
            sha256: asset.sha256,
            format: results.dataFormat,
            formatVersion: results.dataVersion,
            compression: results.compression,
            submitTime: results.submitTime,
            protocolYear,
            signature: Buffer.from(results.signature, "base64"),
          },
          now(),
        );
        if (taken?.isNew) {
          options.onSubmitted(taken.submission, hotkey);
        }
        return taken;
      });
      results.release();
      if (received === undefined) {
        return ended(tasks.assignment(assignment.id) ?? assignment);
      }
      return waitForVerdict(received.submission, hotkey, signal);
    },
  };
}

/** What results turn out to be for. */
type Found =
  | { readonly kind: "answered"; readonly answer: SubmitAnswer }
  /** What they are for was submitted before. */
  | { readonly kind: "known"; readonly submission: Submission }
  | { readonly kind: "open"; readonly assignment: Assignment; readonly task: Task };

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

/** @param version as a number: patch + 100 × minor + 10,000 × major */
function versionOf(version: number): PullAnswer["version"] {
  const [major, minor] = [Math.floor(version / 10_000), Math.floor(version / 100) % 100];
  return { major, minor, patch: version % 100 };
}

/** Verdicts that say nothing of the work. */
const notJudged: readonly Feedback["verdict"][] = ["system-fault", "cancelled"];

function answer(feedback: Feedback): SubmitAnswer {
  return {
    feedback: {
      validation_failed: notJudged.includes(feedback.verdict),
      task_fidelity_score: feedback.fidelity,
      average_fidelity_score: feedback.averageFidelity,
      generations_within_8_hours: feedback.observations,
      generations_within_the_window: feedback.observations,
      current_duel_rating: feedback.duelRating,
      current_miner_reward: feedback.reward,
      verdict: feedback.verdict,
      reason: feedback.reason,
    },
    cooldown_until: Math.ceil(feedback.cooldownUntil / 1000),
  };
}
