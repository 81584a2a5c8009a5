/** `turntable-worker lint`: what is wrong with an asset, before a validator says so. */
import { AssetError, type Finding, lint, type Measures, measure } from "@turntable/splat";
import { defaultProfile, loadProfile } from "../scoring/index.ts";
import { type Command, parseArguments } from "./arguments.ts";
import { readAssetFile } from "./asset-file.ts";

const help = `Usage: turntable-worker lint ASSET [options]

Looks for what makes assets bad or cheats: too few or too many splats, invisible ones, duplicates, a flat card, a front
without a back … Exits with 1 when the asset cannot be read, or when the profile would reject it.

  --profile NAME   whose limits count, and whether they reject [${defaultProfile}]
  --json           findings and everything that was measured
`;

const options = {
  profile: { type: "string" },
  json: { type: "boolean" },
} as const;

export const lintCommand: Command = {
  summary: "what is wrong with an asset",
  help,
  async run(argv) {
    const { values, positionals } = parseArguments(argv, options, ["ASSET"]);
    const [file = ""] = positionals;
    const profile = await loadProfile(values.profile ?? defaultProfile);
    const checked = await check(file, profile.lintLimits ?? {});
    const rejected =
      checked.unreadable !== undefined ||
      (profile.lint === "reject" && checked.findings.some(({ severity }) => severity === "error"));
    process.stdout.write(
      values.json === true
        ? `${JSON.stringify({ asset: file, profile: profile.name, rejected, ...checked })}\n`
        : report(checked, rejected, profile.name),
    );
    if (rejected) process.exitCode = 1;
  },
};

interface Checked {
  readonly findings: readonly Finding[];
  readonly measures?: Measures;
  /** Why no reader takes it. */
  readonly unreadable?: { readonly code: string; readonly message: string };
}

async function check(file: string, limits: Parameters<typeof lint>[1]): Promise<Checked> {
  try {
    const splat = await readAssetFile(file);
    return { findings: lint(splat, limits), measures: measure(splat, limits?.maxRadius) };
  } catch (error) {
    if (!(error instanceof AssetError)) throw error;
    return { findings: [], unreadable: { code: error.code, message: error.message } };
  }
}

function report({ findings, unreadable }: Checked, rejected: boolean, profile: string): string {
  if (unreadable !== undefined) return `error    ${unreadable.code}: ${unreadable.message}\n`;
  const lines = findings.map(
    ({ severity, code, message }) => `${severity.padEnd(9)}${code}: ${message}`,
  );
  const verdict = rejected
    ? `${profile} rejects it`
    : findings.length === 0
      ? "nothing found"
      : `${profile} takes it all the same`;
  return `${[...lines, verdict].join("\n")}\n`;
}
