import { openAsBlob } from "node:fs";
import { toJson } from "@bufbuild/protobuf";
import { ScoreReportSchema, ScoringState } from "@turntable/proto";
import { verifyReport } from "../report-signature.ts";
import type { CliCommand } from "./command.ts";
import { type CommonFlags, type Run, runVerb, withCommonOptions } from "./context.ts";
import { describeReport } from "./report.ts";
import { whole } from "./usage.ts";

interface ScoreFlags extends CommonFlags {
  readonly dataVersion?: number;
}

export function addScore(program: CliCommand, run: Run): void {
  withCommonOptions(program.command("score <FILE> <PROMPT>"))
    .description(
      "upload an asset (PLY, SPZ, HDF5, GLB, SOG, .ksplat) and show how well it fits a prompt, scored as the subnet does",
    )
    .option(
      "--data-version <N>",
      "the subnet's data_ver of an HDF5 file: 1 and above hold activated values [0]",
      whole("data-version", 0, 2 ** 31),
    )
    .action((file: string, prompt: string, flags: ScoreFlags) =>
      runVerb(run, flags, async ({ client, json, output, signal }) => {
        const report = await client.score(await openAsBlob(file), prompt, {
          signal,
          version: flags.dataVersion,
          onProgress({ state, receivedBytes, sizeBytes }) {
            if (state === ScoringState.UPLOADING) {
              output.progress("uploading", Number(receivedBytes) / Number(sizeBytes));
            } else if (state === ScoringState.QUEUED) {
              output.progress("queued, waiting for a worker");
            }
          },
        });
        output.endProgress();
        const signature = await verifyReport(report);
        await output.write(
          json
            ? `${JSON.stringify(toJson(ScoreReportSchema, report))}\n`
            : describeReport(report, signature),
        );
      }),
    );
}
