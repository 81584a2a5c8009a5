/** States and verdicts as words of a colour; the word says it without the colour, too. */
import { AssignmentState, TaskState } from "@turntable/proto";
import { formatScore } from "../format.ts";

export type Tone = "good" | "bad" | "warn" | "idle" | "work";

type Word = readonly [word: string, tone: Tone];

const taskWords: Readonly<Record<TaskState, Word>> = {
  [TaskState.UNSPECIFIED]: ["unknown", "idle"],
  [TaskState.QUEUED]: ["waits for a miner", "idle"],
  [TaskState.ASSIGNED]: ["miners work", "work"],
  [TaskState.SCORING]: ["is scored", "work"],
  [TaskState.SUCCEEDED]: ["succeeded", "good"],
  [TaskState.FAILED]: ["failed", "bad"],
  [TaskState.CANCELLED]: ["cancelled", "idle"],
};

const copyWords: Readonly<Record<AssignmentState, Word>> = {
  [AssignmentState.UNSPECIFIED]: ["unknown", "idle"],
  [AssignmentState.GENERATING]: ["is made", "work"],
  [AssignmentState.SCORING]: ["is scored", "work"],
  [AssignmentState.ABANDONED]: ["given up", "idle"],
  [AssignmentState.ACCEPTED]: ["accepted", "good"],
  [AssignmentState.REJECTED]: ["rejected", "bad"],
  [AssignmentState.INVALID_ASSET]: ["invalid asset", "bad"],
  [AssignmentState.SYSTEM_FAULT]: ["fault of ours", "warn"],
  [AssignmentState.DUPLICATE]: ["duplicate", "bad"],
  [AssignmentState.CANCELLED]: ["cancelled", "idle"],
};

const verdictTones: ReadonlyMap<string, Tone> = new Map([
  ["accepted", "good"],
  ["succeeded", "good"],
  ["rejected", "bad"],
  ["invalid-asset", "bad"],
  ["duplicate", "bad"],
  ["failed", "bad"],
  ["system-fault", "warn"],
  ["submitted", "work"],
  ["assigned", "work"],
]);

/** Of a verdict or a change by its name in the API, which is an open set. */
export function toneOf(kind: string): Tone {
  return verdictTones.get(kind) ?? "idle";
}

/** `invalid-asset` as `invalid asset`. */
export function wordsOf(kind: string): string {
  return kind.replaceAll("-", " ");
}

export function Badge({ tone, children }: { readonly tone: Tone; readonly children: string }) {
  return <span class={`badge ${tone}`}>{children}</span>;
}

export function TaskBadge({ state }: { readonly state: TaskState }) {
  const [word, tone] = taskWords[state] ?? taskWords[TaskState.UNSPECIFIED];
  return <Badge tone={tone}>{word}</Badge>;
}

export function CopyBadge({ state }: { readonly state: AssignmentState }) {
  const [word, tone] = copyWords[state] ?? copyWords[AssignmentState.UNSPECIFIED];
  return <Badge tone={tone}>{word}</Badge>;
}

export function KindBadge({ kind }: { readonly kind: string }) {
  return <Badge tone={toneOf(kind)}>{wordsOf(kind)}</Badge>;
}

/** Whether a task can still change its state. */
export function isOpen(state: TaskState): boolean {
  return state === TaskState.QUEUED || state === TaskState.ASSIGNED || state === TaskState.SCORING;
}

/** A score; nothing when there is none. */
export function Score({ score }: { readonly score: number | undefined }) {
  return score === undefined ? <span class="quiet">–</span> : <span>{formatScore(score)}</span>;
}
