import { rm } from "node:fs/promises";
import type { Asset } from "@turntable/proto";
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
      runVerb(run, flags, (context) =>
        downloadAndSave(taskId, placeOf(flags, context), flags, context, undefined),
      ),
    );
}

/** Where an asset goes, and who hears how it comes. */
export interface Place {
  /**
   * Keeps what has come until all has, so that the same command goes on there.
   * @param taskId undefined while there is no task
   */
  part(taskId: string | undefined): string | undefined;
  /** As `--out`; undefined is the usual name. */
  out(asset: Asset): string | undefined;
  onProgress(text: string, fraction?: number): void;
}

/** The place of a single asset. */
export function placeOf({ out }: SaveFlags, { output }: VerbContext): Place {
  return {
    part(taskId) {
      const name = out ?? taskId;
      return name === undefined ? undefined : partPathOf(name);
    },
    out: () => out,
    onProgress: output.progress,
  };
}

/** @param timeoutMs limit of the download */
export async function downloadAndSave(
  taskId: string,
  place: Place,
  flags: SaveFlags,
  context: VerbContext,
  timeoutMs: number | undefined,
): Promise<void> {
  const { client, signal } = context;
  const path = place.part(taskId);
  const onProgress = ({ doneBytes, sizeBytes }: { doneBytes: number; sizeBytes: number }) =>
    place.onProgress("downloading", doneBytes / sizeBytes);
  place.onProgress("downloading");
  const download = await downloadKept(taskId, path, (have) =>
    client.openDownload(taskId, { signal, timeoutMs, onProgress, have }),
  );
  const out = place.out(download.asset);
  try {
    await saveAsset(taskId, download, out === undefined ? flags : { ...flags, out }, context);
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
