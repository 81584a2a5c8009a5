/** A task with everything that happened to it, as everybody may see it. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate, timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type PublicCopySchema,
  type PublicScoringSchema,
  type PublicTaskDetailSchema,
  type PublicTaskSchema,
  type ScoreReport,
  TaskOrigin,
} from "@turntable/proto";
import { assetMessage, assignmentStates, taskStates } from "../messages.ts";
import { outcomeReason } from "./outcome-reason.ts";
import type { SubnetOptions } from "./service.ts";
import type { Visible, VisibleCopy, VisibleTask } from "./visible.ts";

/** What lists tell of a task. */
export function taskSummary(task: VisibleTask): MessageInitShape<typeof PublicTaskSchema> {
  const scores = task.assignments.flatMap(({ score }) => score ?? []);
  const winner = task.assignments.find(({ id }) => id === task.bestAssignment);
  return {
    id: task.id,
    prompt: task.prompt,
    state: taskStates[task.state],
    origin: task.class === "organic" ? TaskOrigin.ORGANIC : TaskOrigin.SYNTHETIC,
    createTime: timestampFromDate(task.createdAt),
    expireTime: timestampFromDate(task.expiresAt),
    ...(task.endedAt === undefined ? {} : { endTime: timestampFromDate(task.endedAt) }),
    copies: task.assignments.length,
    ...(scores.length === 0 ? {} : { bestScore: Math.max(...scores) }),
    winnerHotkey: winner?.hotkey ?? "",
    ...(task.failure === undefined ? {} : { failure: task.failure }),
  };
}

export function taskDetail(
  options: Pick<SubnetOptions, "rules" | "validatorHotkey">,
  visible: Visible,
  task: VisibleTask,
): MessageInitShape<typeof PublicTaskDetailSchema> {
  return {
    task: taskSummary(task),
    changes: visible.changes(task).map((event) => ({
      sequence: BigInt(event.sequence),
      time: timestampFromDate(event.at),
      kind: event.kind,
      state: taskStates[event.state],
      minerHotkey: event.hotkey,
      ...(event.score === undefined ? {} : { score: event.score }),
      message: event.message,
    })),
    copies: task.assignments.map((assignment) => copyOf(options, visible, { task, assignment })),
    published: task.isPublished,
    winnerId: task.bestAssignment ?? "",
    outcomeReason: outcomeReason(task),
    profile: options.rules.profile,
  };
}

function copyOf(
  { validatorHotkey }: Pick<SubnetOptions, "validatorHotkey">,
  visible: Visible,
  copy: VisibleCopy,
): MessageInitShape<typeof PublicCopySchema> {
  const { task, assignment } = copy;
  const submission = visible.submission(copy);
  const report = visible.report(copy);
  const asset = visible.asset(copy);
  return {
    id: assignment.id,
    minerHotkey: assignment.hotkey,
    attempt: assignment.attempt,
    state: assignmentStates[assignment.state],
    createTime: timestampFromDate(assignment.createdAt),
    expireTime: timestampFromDate(assignment.expiresAt),
    ...(submission === undefined ? {} : { submitTime: timestampFromMs(submission.receivedAt) }),
    ...(assignment.endedAt === undefined ? {} : { endTime: timestampFromDate(assignment.endedAt) }),
    ...(assignment.score === undefined ? {} : { score: assignment.score }),
    fidelity: submission?.feedback?.fidelity ?? 0,
    reason: assignment.reason,
    ...(report === undefined ? {} : { scoring: scoringOf(report) }),
    ...(asset === undefined
      ? {}
      : { asset: assetMessage(task, assignment, asset, asset.validator || validatorHotkey) }),
    downloadable: asset?.assetKept ?? false,
  };
}

function scoringOf(report: ScoreReport): MessageInitShape<typeof PublicScoringSchema> {
  const { findings, timings, renderer, splatCount, workerId, model, views } = report;
  const probabilities = views.map(({ probability }) => probability);
  const worst = Math.min(1, ...probabilities);
  return {
    ...{ findings, splatCount, workerId, lowViewShare: report.lowViewShare },
    ...(timings === undefined ? {} : { timings }),
    ...(renderer === undefined ? {} : { renderer }),
    model: model?.name ?? "",
    demonstration: model?.demonstration ?? false,
    worstView: Math.max(0, probabilities.indexOf(worst)),
    worstProbability: views.length === 0 ? 0 : worst,
  };
}
