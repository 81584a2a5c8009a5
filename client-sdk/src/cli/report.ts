import { toJson } from "@bufbuild/protobuf";
import {
  LintSeverity,
  type Model,
  type ScoreReport,
  ScoreReportSchema,
  subnetAcceptance,
} from "@turntable/proto";
import { type ReportSignature, verifyReport } from "../report-signature.ts";
import { bar, demonstrationNote, formatDuration, printable, table } from "./text.ts";
import type { Verb } from "./verb.ts";

/** Nobody vouches for what the report says. */
export class UntrustedReportError extends Error {
  override name = "UntrustedReportError";
  readonly code = "untrusted-report";
}

export const reportVerb: Verb = {
  name: "report",
  argument: "TASK",
  summary: "show how a task's result was scored, and check who vouches for it",
  options: {
    validator: {
      value: "SS58",
      help: "the validator's hotkey that must have signed it [the one that the report names]",
    },
  },
  async run({ args, client, output, signal }) {
    const report = await client.report(args.argument, { signal });
    const validatorHotkey = args.text("validator");
    const signature = await verifyReport(report, { validatorHotkey });
    await output.write(
      args.flag("json")
        ? `${JSON.stringify(toJson(ScoreReportSchema, report))}\n`
        : describeReport(report, signature),
    );
    if (signature.kind !== "verified") {
      throw new UntrustedReportError(
        `do not rely on this report: ${complaint(signature.kind, report, validatorHotkey)}`,
      );
    }
  },
};

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
    ["task", printable(report.taskId)],
    ["prompt", printable(report.prompt)],
    [
      "score",
      `${report.score.toFixed(4)} (of ${views.length} views, ${Math.round(report.lowViewShare * 100)} % of them below ${report.acceptance || subnetAcceptance})`,
    ],
    ["fidelity", report.fidelity.toFixed(2)],
    ["miner", printable(report.minerHotkey)],
    ["validator", printable(report.validatorHotkey)],
    ["signature", signature.kind === "verified" ? "verified: the validator's" : "NOT VERIFIED"],
    ["model", `${printable(model?.name ?? "")} (sha256 ${hex(model?.sha256)})`],
    // Workers of before do not tell them.
    ...(model === undefined || model.files.length === 0
      ? []
      : [["", describeFiles(model)] as const]),
    ...(model?.demonstration ? [["", demonstrationNote] as const] : []),
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
