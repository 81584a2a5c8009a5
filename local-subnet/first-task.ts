/** The first task of a newcomer: what became of it, in words and in pictures. */
import { mkdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import {
  CallFailedError,
  type ScoreReport,
  type Task,
  type TurntableClient,
} from "@turntable/client";
import { ruleSets } from "@turntable/coordinator/rules";
import { generate } from "@turntable/generation";
import { formatScene } from "@turntable/generation/grammar";
import type { Logger } from "@turntable/process";
import { defaultAssetLimits, readAsset, writePly } from "@turntable/splat";
import {
  createScene,
  demonstrationNote,
  loadClip,
  loadProfile,
  orbitCamera,
  scoreAsset,
  startCpuRenderer,
  writeContactSheet,
} from "@turntable/validation";
import { say, shortPath } from "./say.ts";

/** Tells what happens to a task; a failure is told, too, and leaves the subnet up. */
export async function showFirstTask({
  client,
  task,
  dir,
  modelDir,
  server,
  signal,
  logger,
}: {
  readonly client: TurntableClient;
  readonly task: Task;
  readonly dir: string;
  readonly modelDir: string;
  /** The API's address, for the commands that are shown. */
  readonly server: string;
  readonly signal: AbortSignal;
  readonly logger: Logger;
}): Promise<void> {
  try {
    say(`\nFirst task: "${task.prompt}"`);
    for await (const event of client.watch(task.id, { signal })) {
      const by = event.minerHotkey ? ` by ${event.minerHotkey}` : "";
      const score = event.score === undefined ? "" : `, score ${event.score.toFixed(3)}`;
      say(`  ${event.kind}${by}${score}${event.message ? `: ${event.message}` : ""}`);
    }
    const { asset, bytes } = await client.download(task.id, { signal });
    const report = await client.report(task.id, { signal });
    const sheet = await drawContactSheet(report, bytes, dir);
    const demonstration = report.model?.demonstration ? ` (${demonstrationNote})` : "";
    const wrong = await scoreWrongAsset(report, modelDir);
    say(`
  prompt   ${task.prompt}
  miner    ${asset.minerHotkey}
  score    ${report.score.toFixed(3)} by ${report.model?.name ?? "?"}${demonstration}
  asset    ${bytes.length} bytes, ${report.splatCount} splats
  pictures ${shortPath(sheet)}
  wrong    ${wrong.shown}, scored for the same prompt: ${wrong.score.toFixed(3)}, ${wrong.verdict}

In another shell: npx turntable generate "a blue ball" --out ball.ply --server ${server}
Ctrl-C stops everything.`);
  } catch (error) {
    if (signal.aborted) {
      return;
    }
    if (error instanceof CallFailedError && error.code === "failed-precondition") {
      const show = `npx turntable report ${task.id} --server ${server}`;
      return say(`\nIt got no result. How it was scored: ${show}\nCtrl-C stops everything.`);
    }
    logger.error({ err: error }, "the first task failed");
    say(`  the first task failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** What the same judge, with the same cameras, says of an asset that shows something else. */
async function scoreWrongAsset({ prompt, profile, cameraSeed }: ScoreReport, modelDir: string) {
  const { splat, shown } = generate({ prompt, quality: "wrong-shape" });
  await using renderer = await startCpuRenderer(availableParallelism());
  await using clip = await loadClip(modelDir);
  const { score } = await scoreAsset(
    { renderer, clip, limits: defaultAssetLimits },
    { bytes: writePly(splat), prompt, profile: await loadProfile(profile), cameraSeed },
  );
  const verdict = score >= ruleSets.local.acceptance ? "accepted" : "rejected";
  return { shown: formatScene(shown), score, verdict };
}

async function drawContactSheet(
  report: ScoreReport,
  bytes: Uint8Array,
  dir: string,
): Promise<string> {
  await using renderer = await startCpuRenderer(availableParallelism());
  const profile = await loadProfile(report.profile);
  const cameras = report.views.map((view) =>
    orbitCamera({ ...view, radius: profile.radius }, profile),
  );
  const scene = createScene(await readAsset(bytes));
  const images = await renderer.render(scene, cameras, profile.background);
  const file = join(dir, "pictures", `${report.taskId}.png`);
  await mkdir(join(dir, "pictures"), { recursive: true });
  const views = report.views.flatMap((view, index) => {
    const image = images[index];
    return image === undefined ? [] : [{ view, image, probability: view.probability }];
  });
  await writeContactSheet(file, views);
  return file;
}
