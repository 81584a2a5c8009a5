import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { fromJsonString, toJson } from "@bufbuild/protobuf";
import {
  LintSeverity,
  type Model,
  type ScoreReport,
  ScoreReportSchema,
  subnetAcceptance,
} from "@turntable/proto";
import { type ReportSignature, verifyReport } from "../report-signature.ts";
import type { CliCommand } from "./command.ts";
import { type CommonFlags, type Run, runVerb, withCommonOptions } from "./context.ts";
import { bar, demonstrationNote, formatDuration, printable, table } from "./text.ts";
import { UsageError } from "./usage.ts";

/** Nobody vouches for what the report says. */
export class UntrustedReportError extends Error {
  override name = "UntrustedReportError";
  readonly code = "untrusted-report";
}

interface ReportFlags extends CommonFlags {
  readonly validator?: string;
  readonly asset?: string;
}

const validatorOption = [
  "--validator <SS58>",
  "the validator's hotkey that must have signed it [the one that the report names]",
] as const;

export function addReport(program: CliCommand, run: Run): void {
  const report = program
    .command("report")
    .description("how a task's result was scored, and who vouches for it");
  const show = report.command("show <TASK>", { isDefault: true });
  show.isStandIn = true;
  withCommonOptions(show)
    .description("show a task's report and check its signature")
    .option(...validatorOption)
    .action((taskId: string, flags: ReportFlags) =>
      runVerb(run, flags, async ({ client, json, output, signal }) => {
        const found = await client.report(taskId, { signal });
        const signature = await verifyReport(found, { validatorHotkey: flags.validator });
        await output.write(
          json
            ? `${JSON.stringify(toJson(ScoreReportSchema, found))}\n`
            : describeReport(found, signature),
        );
        insistOn(signature, found, flags.validator);
      }),
    );
  withCommonOptions(report.command("verify <FILE>"))
    .description(
      "check a report that was kept with report show --json, without a server; - is standard input",
    )
    .option(...validatorOption)
    .option("--asset <FILE>", "check as well that this is the asset that was scored")
    .action((file: string, flags: ReportFlags) =>
      runVerb(run, flags, async ({ json, output }) => {
        const found = await readReport(file);
        const signature = await verifyReport(found, { validatorHotkey: flags.validator });
        const sha256 =
          flags.asset === undefined
            ? undefined
            : createHash("sha256")
                .update(await readFile(flags.asset))
                .digest();
        const isAsset = sha256 === undefined ? undefined : sha256.equals(found.assetSha256);
        const { taskId, prompt, score, validatorHotkey } = found;
        await output.write(
          json
            ? `${JSON.stringify({ signature: signature.kind, taskId, prompt, score, validatorHotkey, isAsset })}\n`
            : `${signature.kind}  score ${score.toFixed(4)}  validator ${printable(validatorHotkey)}  "${printable(prompt)}"\n`,
        );
        insistOn(signature, found, flags.validator);
        if (isAsset === false) {
          throw new UntrustedReportError(
            `the report is of another asset: ${flags.asset} has the SHA-256 ${hex(sha256)}, scored was ${hex(found.assetSha256)}`,
          );
        }
      }),
    );
}

/** @throws UntrustedReportError */
function insistOn(
  signature: ReportSignature,
  report: ScoreReport,
  trusted: string | undefined,
): void {
  if (signature.kind !== "verified") {
    throw new UntrustedReportError(
      `do not rely on this report: ${complaint(signature.kind, report, trusted)}`,
    );
  }
}

/** @throws UsageError for a file that holds none */
async function readReport(file: string): Promise<ScoreReport> {
  const content = file === "-" ? await text(process.stdin) : await readFile(file, "utf8");
  try {
    return fromJsonString(ScoreReportSchema, content);
  } catch (cause) {
    const message = isOfNewer(content)
      ? `${file} has fields that this version does not know; a newer version of turntable can check it`
      : `${file} holds no report; turntable report show TASK --json prints one`;
    throw new UsageError(message, { cause });
  }
}

/** Whether text that is no report to this version is one but for fields that it does not know. */
function isOfNewer(content: string): boolean {
  try {
    fromJsonString(ScoreReportSchema, content, { ignoreUnknownFields: true });
    return true;
  } catch {
    return false;
  }
}

function complaint(
  kind: Exclude<ReportSignature["kind"], "verified">,
  { validatorHotkey }: ScoreReport,
  trusted: string | undefined,
): string {
  const named = printable(validatorHotkey);
  switch (kind) {
    case "unsigned":
      return "nobody signed it";
    case "mismatch":
      return `its signature is not that of ${named} over what it says`;
    case "newer":
      return "it has fields that this version does not know, so its signature cannot be checked; a newer version of turntable can";
    case "other-validator":
      return `it names the validator ${named}, not ${printable(trusted ?? "")}`;
    default:
      throw new TypeError(`unknown kind ${String(kind satisfies never)}`);
  }
}

function describeFiles({ files, pictureSettings }: Model): string {
  const by = pictureSettings === "" ? "CLIP's own settings" : pictureSettings;
  return printable(`${files.join(", ")}; pictures by ${by}`);
}

/** The report for people: what decided the score, then every view. */
export function describeReport(report: ScoreReport, signature: ReportSignature): string {
  const { model, renderer, timings, views } = report;
  const facts: readonly (readonly [string, string])[] = [
    // A scoring has neither a task nor a miner.
    ...(report.taskId === "" ? [] : [["task", printable(report.taskId)] as const]),
    ["prompt", printable(report.prompt)],
    [
      "score",
      `${report.score.toFixed(4)} (of ${views.length} views, ${Math.round(report.lowViewShare * 100)} % of them below ${report.acceptance || subnetAcceptance})`,
    ],
    ["fidelity", report.fidelity.toFixed(2)],
    ...report.replacedScores.map(
      ({ score, fidelity, workerId }, index) =>
        [
          index === 0 ? "replaced" : "",
          `${score.toFixed(4)} (fidelity ${fidelity.toFixed(2)}) of worker ${printable(workerId)}, which others found wrong`,
        ] as const,
    ),
    ...(report.minerHotkey === "" ? [] : [["miner", printable(report.minerHotkey)] as const]),
    ["validator", printable(report.validatorHotkey)],
    ["signature", signature.kind === "verified" ? "verified: the validator's" : "NOT VERIFIED"],
    ["model", `${printable(model?.name ?? "")} (sha256 ${hex(model?.sha256)})`],
    // Workers of before do not tell them.
    ...(model === undefined || model.files.length === 0
      ? []
      : [["", describeFiles(model)] as const]),
    ...(model?.demonstration ? [["", demonstrationNote] as const] : []),
    ...(report.unknownWords.length > 0
      ? [["", `it does not know: ${printable(report.unknownWords.join(", "))}`] as const]
      : []),
    [
      "renderer",
      `${printable(renderer?.backend ?? "")} ${printable(renderer?.version ?? "")}${renderer?.approximate ? ", approximate" : ""}`,
    ],
    ["profile", `${printable(report.profile)}, camera seed ${report.cameraSeed}`],
    ["asset", `${report.splatCount} splats (sha256 ${hex(report.assetSha256)})`],
    ...report.findings.map(
      ({ severity, code, message }, index) =>
        [
          index === 0 ? "lint" : "",
          `${severity === LintSeverity.ERROR ? "error" : "warning"} ${printable(code)}: ${printable(message)}`,
        ] as const,
    ),
    [
      "time",
      timings === undefined
        ? "unknown"
        : `${formatDuration(timings.totalMs)}: fetch ${formatDuration(timings.fetchMs)}, decode ${formatDuration(timings.decodeMs)}, render ${formatDuration(timings.renderMs)}, score ${formatDuration(timings.scoreMs)}`,
    ],
  ];
  const width = Math.max(...facts.map(([name]) => name.length));
  const head = facts.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join("");
  return `${head}\n${describeViews(report)}`;
}

function describeViews({ views }: ScoreReport): string {
  if (views.length === 0) {
    return "no views\n";
  }
  const line = views.map((view) => bar(view.probability)).join("");
  const lowest = views.reduce((a, b) => (b.probability < a.probability ? b : a));
  const rows = views.map((view, i) => [
    String(i),
    view.azimuthDeg.toFixed(1),
    view.elevationDeg.toFixed(2),
    view.probability.toFixed(4),
    bar(view.probability),
  ]);
  const header = ["VIEW", "AZIMUTH°", "ELEVATION°", "PROBABILITY", ""];
  return `${line}  lowest ${lowest.probability.toFixed(4)} at ${lowest.azimuthDeg.toFixed(0)}°

${table(header, rows, header)}`;
}

function hex(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString("hex");
}
