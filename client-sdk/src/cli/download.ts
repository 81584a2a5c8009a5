import { rm } from "node:fs/promises";
import type { CliCommand } from "./command.ts";
import {
  type CommonFlags,
  type Run,
  runVerb,
  type VerbContext,
  withCommonOptions,
} from "./context.ts";
import { downloadKept, partPathOf } from "./part-file.ts";
import { type SaveFlags, saveAsset, withSaveOptions } from "./save.ts";

export function addDownload(program: CliCommand, run: Run): void {
  withCommonOptions(withSaveOptions(program.command("download <TASK>")))
    .description(
      "download the asset of a succeeded task and check it; goes on where it was cut off",
    )
    .action((taskId: string, flags: CommonFlags & SaveFlags) =>
      runVerb(run, flags, (context) => downloadAndSave(taskId, flags, context, undefined)),
    );
}

/** @param timeoutMs limit of the download */
export async function downloadAndSave(
  taskId: string,
  flags: SaveFlags,
  context: VerbContext,
  timeoutMs: number | undefined,
): Promise<void> {
  const { client, output, signal } = context;
  const path = partPathOf(flags.out ?? taskId);
  const onProgress = ({ doneBytes, sizeBytes }: { doneBytes: number; sizeBytes: number }) =>
    output.progress("downloading", doneBytes / sizeBytes);
  output.progress("downloading");
  const download = await downloadKept(taskId, path, (have) =>
    client.openDownload(taskId, { signal, timeoutMs, onProgress, have }),
  );
  output.endProgress();
  try {
    await saveAsset(taskId, download, flags, context);
  } finally {
    await removePart(path);
  }
}

/** Undefined is none. */
export async function removePart(path: string | undefined): Promise<void> {
  if (path !== undefined) {
    await rm(path, { force: true });
  }
}
