/** Compares what was acknowledged with what the coordinator has. */
import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createTurntableClient, TaskState } from "@turntable/client";
import { fidelityOf, ruleSets } from "@turntable/coordinator/rules";
import { z } from "zod";
import type { Promises } from "./actors.ts";

const rules = ruleSets.local;
const submissionRow = z.object({
  id: z.string(),
  task_id: z.string(),
  hotkey: z.string(),
  state: z.string(),
  asset_sha256: z.string(),
  keep: z.string().nullable(),
  verdict: z.string().nullable(),
});
const observationRow = z.object({
  assignment_id: z.string(),
  hotkey: z.string(),
  fidelity: z.number(),
});
const taskRow = z.object({ id: z.string(), prompt: z.string(), state: z.string() });
const averageRow = z.object({ hotkey: z.string(), average_fidelity: z.number() });
const historyRow = z.object({ id: z.string().nullable(), verdict: z.string() });
const eventRow = z.object({ task_id: z.string(), hotkey: z.string(), count: z.number() });

/** Compares with the running coordinator's answers; gives what is wrong. */
export async function verifyApi(
  address: string,
  { created, cancelled }: Promises,
): Promise<string[]> {
  using client = createTurntableClient({ address });
  const wrong: string[] = [];
  for (const { id, prompt } of created) {
    const task = await client.get(id).catch(() => undefined);
    if (task === undefined) {
      wrong.push(`task ${id} was created and is not there`);
    } else if (task.prompt !== prompt) {
      wrong.push(`task ${id} has another prompt`);
    } else if (task.state === TaskState.SUCCEEDED && task.asset === undefined) {
      wrong.push(`task ${id} succeeded and has no asset`);
    } else if (cancelled.includes(id) && task.state !== TaskState.CANCELLED) {
      wrong.push(`task ${id} was cancelled and is in state ${task.state}`);
    }
  }
  return wrong;
}

/** What the store is compared with, beside what was promised. */
export interface Expectation {
  /** Ids of submissions that the log said were taken. */
  readonly taken: ReadonlySet<string>;
  /** The score of a submission; undefined when its bytes are no asset. */
  readonly scoreOf: (submission: {
    readonly id: string;
    readonly asset_sha256: string;
  }) => number | undefined;
  /** Why a submission should not have ended as a fault of ours; undefined where it may. None may when absent. */
  readonly unexplained?: (id: string) => string | undefined;
}

/** Compares with the database of the stopped coordinator; gives what is wrong. */
export function verifyStore(
  dataDir: string,
  { created, told, taken: toldTaken, asked }: Promises,
  { taken, scoreOf, unexplained = () => "nothing explains it" }: Expectation,
): string[] {
  using database = new DatabaseSync(join(dataDir, "coordinator.sqlite"));
  const wrong: string[] = [];
  const all = <Row>(schema: z.ZodType<Row>, sql: string): readonly Row[] =>
    database
      .prepare(sql)
      .all()
      .map((row) => schema.parse(row));

  const tasks = new Map(
    all(taskRow, "SELECT * FROM tasks WHERE class = 'organic'").map((row) => [row.id, row]),
  );
  if (tasks.size > asked) {
    wrong.push(`${tasks.size} tasks, but ${asked} were asked for`);
  }
  for (const { id, prompt } of created) {
    if (tasks.get(id)?.prompt !== prompt) {
      wrong.push(`task ${id} is not in the store`);
    }
  }

  const submissions = all(
    submissionRow,
    `SELECT s.id, task_id, hotkey, state, asset_sha256, keep, verdict
     FROM submissions s JOIN assignments a ON a.id = s.id`,
  );
  const known = new Set(submissions.map(({ id }) => id));
  for (const id of taken) {
    if (!known.has(id)) {
      wrong.push(`submission ${id} was taken and lost`);
    }
  }
  const isCancelled = (taskId: string): boolean => tasks.get(taskId)?.state === "cancelled";
  const historyRows = all(
    historyRow,
    "SELECT assignment_id AS id, verdict FROM verdicts ORDER BY rowid",
  );
  const history = Map.groupBy(historyRows, ({ id }) => id);
  const toldOf = (id: string): readonly string[] =>
    history.get(id)?.map((row) => row.verdict) ?? [];
  for (const submission of submissions) {
    const { id, task_id, verdict, state, keep, asset_sha256 } = submission;
    const right = verdictOf(scoreOf(submission));
    const isExcused = verdict === "cancelled" && isCancelled(task_id);
    const judged = toldOf(id);
    const hasFault = judged.includes("system-fault");
    if (verdict !== right && !isExcused && verdict !== "system-fault") {
      wrong.push(`submission ${id} is ${verdict}, not ${right}`);
    }
    const why = hasFault ? unexplained(id) : undefined;
    if (why !== undefined) {
      wrong.push(`submission ${id} ended as a fault of ours: ${why}`);
    }
    if (state !== verdict) {
      wrong.push(`assignment ${id} is ${state}, its submission ${verdict}`);
    }
    // A fault of ours is overruled by a score that comes after all.
    const mayHave = hasFault && verdict !== "system-fault" ? ["system-fault", verdict] : [verdict];
    if (judged.join() !== mayHave.join()) {
      wrong.push(`submission ${id} is ${verdict}, its miner's history has "${judged.join()}"`);
    }
    if (keep === null) {
      continue;
    }
    const bytes = readFileSync(join(dataDir, "assets", asset_sha256));
    if (hash("sha256", bytes) !== asset_sha256) {
      wrong.push(`the asset of ${id} is broken`);
    }
  }
  const stored = Map.groupBy(submissions, (row) => `${row.task_id} ${row.hotkey}`);
  const counts = all(
    eventRow,
    `SELECT task_id, hotkey, count(*) AS count FROM task_events
     WHERE kind IN ('accepted', 'rejected', 'system-fault', 'invalid-asset') GROUP BY 1, 2`,
  );
  for (const { task_id, hotkey, count } of counts) {
    const scored = stored.get(`${task_id} ${hotkey}`)?.filter((row) => row.verdict !== "cancelled");
    const judged = scored?.flatMap(({ id }) => toldOf(id)) ?? [];
    if (count !== judged.length) {
      wrong.push(`${count} verdicts of ${hotkey} on task ${task_id}, not ${judged.length}`);
    }
  }
  for (const { taskId, hotkey } of toldTaken) {
    // Who submits for a cancelled task is told so, and nothing is taken.
    if (!stored.has(`${taskId} ${hotkey}`) && !isCancelled(taskId)) {
      wrong.push(`${hotkey} was told that its work on ${taskId} was taken, and it was lost`);
    }
  }
  const fidelityFor = (score: number | undefined): number =>
    score === undefined ? 0 : fidelityOf(rules, score);
  for (const { taskId, hotkey, verdict, fidelity } of told) {
    if (verdict === "cancelled" && fidelity === 0 && isCancelled(taskId)) {
      continue;
    }
    const tries = stored.get(`${taskId} ${hotkey}`) ?? [];
    const isRight = tries.some((row) =>
      verdict === "system-fault"
        ? fidelity === 0 && toldOf(row.id).includes(verdict)
        : row.verdict === verdict && fidelity === fidelityFor(scoreOf(row)),
    );
    if (!isRight) {
      const has = tries.map((row) => row.verdict).join(" and ");
      wrong.push(`${hotkey} was told ${verdict} ${fidelity} on ${taskId}, but has ${has}`);
    }
  }

  // Each verdict was counted once: as many observations, and an average that follows from them alone.
  const averages = new Map<string, number>();
  const observations = all(observationRow, "SELECT * FROM observations ORDER BY at");
  const judged = submissions.filter(
    ({ verdict }) => verdict !== "cancelled" && verdict !== "system-fault",
  );
  const byId = new Map(judged.map((row) => [row.id, row]));
  if (observations.length !== judged.length) {
    wrong.push(`${observations.length} observations of ${judged.length} judged submissions`);
  }
  for (const { assignment_id, hotkey, fidelity } of observations) {
    const submission = byId.get(assignment_id);
    const right = submission && fidelityFor(scoreOf(submission));
    if (fidelity !== right) {
      wrong.push(`${assignment_id} earned ${fidelity}, not ${right}`);
    }
    const average = averages.get(hotkey) ?? rules.averageStart;
    const next = average + rules.averageAlpha * (fidelity - average);
    averages.set(hotkey, fidelity === 0 ? average : next);
  }
  for (const { hotkey, average_fidelity } of all(averageRow, "SELECT * FROM miners")) {
    const right = averages.get(hotkey) ?? rules.averageStart;
    if (Math.abs(average_fidelity - right) > 1e-9) {
      wrong.push(`the average of ${hotkey} is ${average_fidelity}, not ${right}`);
    }
  }
  return wrong;
}

function verdictOf(score: number | undefined): string {
  if (score === undefined) {
    return "invalid-asset";
  }
  return score >= rules.acceptance ? "accepted" : "rejected";
}
