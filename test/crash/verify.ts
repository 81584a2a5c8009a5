/** Compares what was acknowledged with what the coordinator has. */
import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createTurntableClient, TaskState } from "@turntable/client";
import { fidelityOf, ruleSets } from "@turntable/coordinator/rules";
import { z } from "zod";
import { type Promises, scoreOf } from "./actors.ts";

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

/**
 * Compares with the database of the stopped coordinator; gives what is wrong.
 * @param taken ids of submissions that the log said were taken
 */
export function verifyStore(
  dataDir: string,
  { created, told, asked }: Promises,
  taken: readonly string[],
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
  for (const { id, task_id, verdict, state, keep, asset_sha256 } of submissions) {
    const right = scoreOf(id) >= rules.acceptance ? "accepted" : "rejected";
    if (verdict !== right && !(verdict === "cancelled" && isCancelled(task_id))) {
      wrong.push(`submission ${id} is ${verdict}, not ${right}`);
    }
    if (state !== verdict) {
      wrong.push(`assignment ${id} is ${state}, its submission ${verdict}`);
    }
    if (keep === null) {
      continue;
    }
    const bytes = readFileSync(join(dataDir, "assets", asset_sha256));
    if (hash("sha256", bytes) !== asset_sha256) {
      wrong.push(`the asset of ${id} is broken`);
    }
  }
  const counts = all(
    eventRow,
    `SELECT task_id, hotkey, count(*) AS count FROM task_events
     WHERE kind IN ('accepted', 'rejected', 'system-fault', 'invalid-asset') GROUP BY 1, 2`,
  );
  for (const { task_id, hotkey, count } of counts) {
    if (count !== 1) {
      wrong.push(`${count} verdicts of ${hotkey} on task ${task_id}`);
    }
  }
  const verdicts = new Map(submissions.map((row) => [`${row.task_id} ${row.hotkey}`, row]));
  for (const { taskId, hotkey, verdict, fidelity } of told) {
    if (verdict === "cancelled" && fidelity === 0 && isCancelled(taskId)) {
      continue;
    }
    const stored = verdicts.get(`${taskId} ${hotkey}`);
    const right = stored === undefined ? undefined : fidelityOf(rules, scoreOf(stored.id));
    if (stored?.verdict !== verdict || right !== fidelity) {
      wrong.push(
        `${hotkey} was told ${verdict} ${fidelity} on ${taskId}, but has ${stored?.verdict}`,
      );
    }
  }

  // Each verdict was counted once: as many observations, and an average that follows from them alone.
  const averages = new Map<string, number>();
  const observations = all(observationRow, "SELECT * FROM observations ORDER BY at");
  const judged = submissions.filter(({ verdict }) => verdict !== "cancelled");
  if (observations.length !== judged.length) {
    wrong.push(`${observations.length} observations of ${judged.length} judged submissions`);
  }
  for (const { assignment_id, hotkey, fidelity } of observations) {
    const right = fidelityOf(rules, scoreOf(assignment_id));
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
