import { toJson } from "@bufbuild/protobuf";
import { type ScoreReport, ScoreReportSchema } from "@turntable/proto";
import { bar, formatDuration, printable, table } from "./text.ts";
import type { Verb } from "./verb.ts";

export const reportVerb: Verb = {
  name: "report",
  argument: "TASK",
  summary: "show how a task's result was scored",
  options: {},
  async run({ args, client, output, signal }) {
    const report = await client.report(args.argument, { signal });
    await output.write(
      args.flag("json")
        ? `${JSON.stringify(toJson(ScoreReportSchema, report))}\n`
        : describeReport(report),
    );
  },
};

/** The report for people: what decided the score, then every view. */
export function describeReport(report: ScoreReport): string {
  const { model, renderer, timings, views } = report;
  const facts: readonly (readonly [string, string])[] = [
    ["task", printable(report.taskId)],
    ["prompt", printable(report.prompt)],
    ["score", `${report.score.toFixed(4)} (mean of ${views.length} views)`],
    ["fidelity", report.fidelity.toFixed(2)],
    ["miner", printable(report.minerHotkey)],
    ["validator", printable(report.validatorHotkey)],
    ["model", `${printable(model?.name ?? "")} (sha256 ${hex(model?.sha256)})`],
    ...(model?.demonstration
      ? [
          [
            "",
            "a demonstration model: it knows few words, its scores say little outside them",
          ] as const,
        ]
      : []),
    [
      "renderer",
      `${printable(renderer?.backend ?? "")} ${printable(renderer?.version ?? "")}${renderer?.approximate ? ", approximate" : ""}`,
    ],
    ["profile", `${printable(report.profile)}, camera seed ${report.cameraSeed}`],
    ["asset", `${report.splatCount} splats (sha256 ${hex(report.assetSha256)})`],
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
  if (views.length === 0) return "no views\n";
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
