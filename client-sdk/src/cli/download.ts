import type { CliCommand } from "./command.ts";
import { type CommonFlags, type Run, runVerb, withCommonOptions } from "./context.ts";
import { type SaveFlags, saveAsset, withSaveOptions } from "./save.ts";

export function addDownload(program: CliCommand, run: Run): void {
  withCommonOptions(withSaveOptions(program.command("download <TASK>")))
    .description("download the asset of a succeeded task and check it")
    .action((taskId: string, flags: CommonFlags & SaveFlags) =>
      runVerb(run, flags, async (context) => {
        const { client, output, signal } = context;
        output.progress("downloading");
        const download = await client.download(taskId, {
          signal,
          onProgress: ({ doneBytes, sizeBytes }) =>
            output.progress("downloading", doneBytes / sizeBytes),
        });
        output.endProgress();
        await saveAsset(taskId, download, flags, context);
      }),
    );
}
