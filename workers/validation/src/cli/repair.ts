/** `turntable-worker repair`: an asset without the rows that nobody can use. */
import { repairSplat } from "@turntable/splat";
import { type Command, parseArguments } from "./arguments.ts";
import {
  assetHelp,
  assetOptions,
  checkOutput,
  parseLimits,
  readAssetFile,
  tellNotes,
  writeAssetFile,
} from "./asset-file.ts";

const help = `Usage: turntable-worker repair IN OUT [options]

Writes the asset without splats that have values which are no numbers, rotations of length 0, an opacity below 1/255, or
a place far from all others (three times as far as the middle 98 % reach), and says how many there were of each. Reads
and writes what \`convert\` does; a file that is cut short is not mended.

  --json             the numbers as JSON, on one line
${assetHelp}`;

const options = { json: { type: "boolean" }, ...assetOptions } as const;

/** Nothing of the asset is left. */
export class RepairError extends Error {
  override name = "RepairError";
  readonly code = "repair";
}

export const repairCommand: Command = {
  summary: "an asset without broken, unseen and stray splats",
  help,
  async run(argv, env) {
    const { values, positionals } = parseArguments(argv, options, ["IN", "OUT"]);
    const [input = "", output = ""] = positionals;
    checkOutput(output);
    const read = await readAssetFile(input, values, env, { unjudged: true });
    tellNotes(input, read.notes);
    const { splat, dropped } = repairSplat(read.splat, parseLimits(values, env));
    const { count } = read.splat;
    if (splat.count === 0) {
      throw new RepairError(`${input}: of ${count} splats none is left; nothing is written`);
    }
    await writeAssetFile(output, splat);
    process.stdout.write(
      values.json === true
        ? `${JSON.stringify({ asset: input, out: output, count, kept: splat.count, dropped })}\n`
        : `kept ${splat.count} of ${count} splats
dropped ${dropped.nonFinite} with values that are no numbers
dropped ${dropped.zeroQuaternion} with rotations of length 0
dropped ${dropped.invisible} that nobody sees
dropped ${dropped.stray} far from all others
`,
    );
  },
};
