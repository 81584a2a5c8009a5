/** `turntable-worker lint`: what is wrong with an asset, before a validator says so. */
import { readFile } from "node:fs/promises";
import {
  AssetError,
  type Finding,
  lint,
  type Measures,
  measure,
  readAnySplat,
  readAsset,
  type Splat,
} from "@turntable/splat";
import { readHdf5 } from "@turntable/splat/hdf5";
import { defaultProfile, loadProfile } from "../scoring/index.ts";
import { type Command, parseArguments } from "./arguments.ts";
import {
  limitOptions,
  limitsHelp,
  parseLimits,
  pathOfAsset,
  readingOptions,
} from "./asset-file.ts";

const help = `Usage: turntable-worker lint ASSET [options]

Looks for what makes assets bad or cheats: too few or too many splats, invisible ones, duplicates, a flat card, a front
without a back … Exits with 1 when validators do not take such a file, or when the profile would reject it. What only
\`convert\` reads is looked at as well.

  --profile NAME   whose limits count, and whether they reject [${defaultProfile}]
  --json           findings and everything that was measured
${limitsHelp}`;

const options = {
  profile: { type: "string" },
  json: { type: "boolean" },
  ...limitOptions,
} as const;

export const lintCommand: Command = {
  summary: "what is wrong with an asset",
  help,
  async run(argv, env) {
    const { values, positionals } = parseArguments(argv, options, ["ASSET"]);
    const [file = ""] = positionals;
    const limits = parseLimits(values, env);
    const profile = await loadProfile(values.profile ?? defaultProfile);
    const { splat, unreadable } = await open(file, limits);
    const { lintLimits } = profile;
    const checked: Checked = {
      findings: splat === undefined ? [] : lint(splat, lintLimits),
      ...(splat === undefined ? {} : { measures: measure(splat, lintLimits?.maxRadius) }),
      ...(unreadable === undefined ? {} : { unreadable }),
    };
    const rejected =
      checked.unreadable !== undefined ||
      (profile.lint === "reject" && checked.findings.some(({ severity }) => severity === "error"));
    process.stdout.write(
      values.json === true
        ? `${JSON.stringify({ asset: file, profile: profile.name, rejected, ...checked })}\n`
        : report(checked, rejected, profile.name),
    );
    if (rejected) {
      process.exitCode = 1;
    }
  },
};

interface Checked {
  readonly findings: readonly Finding[];
  readonly measures?: Measures;
  /** Why validators do not take it. */
  readonly unreadable?: Unreadable;
}

interface Unreadable {
  readonly code: string;
  readonly message: string;
}

/** Read as validators do, and where they do not, as people do. */
async function open(
  file: string,
  limits: ReturnType<typeof parseLimits>,
): Promise<{ readonly splat?: Splat; readonly unreadable?: Unreadable }> {
  const path = await pathOfAsset(file);
  const bytes = await readFile(path);
  try {
    return { splat: await readAsset(bytes, { limits, readHdf5 }) };
  } catch (error) {
    if (!(error instanceof AssetError)) {
      throw error;
    }
    const any = await readAnySplat(bytes, readingOptions(path, limits)).catch(onlyAssetErrors);
    const unreadable = { code: error.code, message: error.message };
    return any === undefined ? { unreadable } : { splat: any.splat, unreadable };
  }
}

function onlyAssetErrors(error: unknown): undefined {
  if (!(error instanceof AssetError)) {
    throw error;
  }
}

function report(
  { findings, measures, unreadable }: Checked,
  rejected: boolean,
  profile: string,
): string {
  const lines = [
    ...(unreadable === undefined ? [] : [`error    ${unreadable.code}: ${unreadable.message}`]),
    ...findings.map(({ severity, code, message }) => `${severity.padEnd(9)}${code}: ${message}`),
  ];
  const verdict =
    unreadable !== undefined
      ? `validators do not take it${measures === undefined ? "" : "; `turntable-worker convert` makes a PLY of it"}`
      : rejected
        ? `${profile} rejects it`
        : findings.length === 0
          ? "nothing found"
          : `${profile} takes it all the same`;
  return `${[...lines, verdict].join("\n")}\n`;
}
