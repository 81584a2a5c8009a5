/** `turntable-worker inspect`: what is in an asset. */
import { type AssetInfo, assetInfoOf, type Histogram } from "@turntable/splat";
import { type Command, parseArguments } from "./arguments.ts";
import { assetHelp, assetOptions, readAssetFile } from "./asset-file.ts";

const help = `Usage: turntable-worker inspect ASSET [options]

Format, number of splats, SH degree, bounds, and histograms of opacity, size and colour, of any format that \`convert\`
reads, also inside gzip and zstd.

  --json             as JSON, on one line
${assetHelp}`;

const options = { json: { type: "boolean" }, ...assetOptions } as const;

export const inspectCommand: Command = {
  summary: "what is in an asset",
  help,
  async run(argv, env) {
    const { values, positionals } = parseArguments(argv, options, ["ASSET"]);
    const [file = ""] = positionals;
    const { sizeBytes, ...read } = await readAssetFile(file, values, env);
    const info = assetInfoOf(sizeBytes, read);
    process.stdout.write(
      values.json === true ? `${JSON.stringify({ asset: file, ...info })}\n` : report(info),
    );
  },
};

function report(info: AssetInfo): string {
  const point = (values: readonly number[]): string =>
    values.map((value) => Number(value.toPrecision(4))).join(", ");
  const lines = [
    `format     ${info.format}`,
    `size       ${info.sizeBytes} bytes`,
    `splats     ${info.count}`,
    `SH degree  ${info.shDegree}`,
    `from       ${point(info.bounds.min)}`,
    `to         ${point(info.bounds.max)}`,
    `certain    ${info.certain.opaque} opaque, ${info.certain.transparent} transparent`,
    ...info.notes.map((note) => `note       ${note}`),
    "",
  ];
  return lines.join("\n") + info.histograms.map(bars).join("");
}

/** Length of the longest bar, in characters. */
const longestBar = 50;

function bars({ name, unit, from, to, counts }: Histogram): string {
  const most = Math.max(...counts, 1);
  const step = (to - from) / counts.length;
  const rows = counts.map((count, index) => {
    const start = (from + index * step).toFixed(2).padStart(9);
    return `${start} ${"█".repeat(Math.ceil((count / most) * longestBar))} ${count}`.trimEnd();
  });
  return `\n${name} (${unit})\n${rows.join("\n")}\n`;
}
