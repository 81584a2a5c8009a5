/**
 * Scoring profiles: data files that say how an asset is looked at and how the views' probabilities become a score.
 * How elevations follow from a camera seed is part of the contract and documented in resources/profiles/README.md.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { LintLimits } from "@turntable/splat";
import { z } from "zod";

const unit = z.number().min(0).max(1);

const limit = z.number().nonnegative().exactOptional();

const lintLimitsSchema = z.strictObject({
  minSplats: limit,
  maxSplats: limit,
  maxInvisibleShare: limit,
  minMeanOpacity: limit,
  maxDuplicateShare: limit,
  minExtent: limit,
  maxExtent: limit,
  maxOversizedShare: limit,
  maxRadius: limit,
  maxOutsideShare: limit,
  minFlatness: limit,
  maxOneSidedShare: limit,
  maxFloaterShare: limit,
  maxNeedleShare: limit,
} satisfies Record<keyof LintLimits, typeof limit>);

const profileSchema = z.strictObject({
  description: z.string(),
  views: z.int().min(1).max(360),
  azimuth: z.strictObject({ startDeg: z.number(), stepDeg: z.number() }),
  elevation: z.union([
    /** Integers, uniform in [minDeg, maxDeg), one a view, drawn from the camera seed. */
    z.strictObject({ minDeg: z.int().min(-90), maxDeg: z.int().max(90) }),
    z.strictObject({ fixedDeg: z.number().min(-90).max(90) }),
  ]),
  radius: z.number().positive(),
  size: z.int().min(16).max(4096),
  fovyDeg: z.number().positive().max(170),
  background: z.tuple([unit, unit, unit]),
  /** Edge of the box that the asset is scaled to first; as it is when absent. */
  rescaleBox: z.number().positive().optional(),
  colours: z.enum(["all-bands", "band-0-unclamped"]).default("all-bands"),
  /** `mean` of all views, or of those above a probability if there are any. */
  summary: z.union([z.literal("mean"), z.strictObject({ meanOfViewsAbove: unit })]),
  /** What lint finds is only told, or makes an asset invalid. */
  lint: z.enum(["report", "reject"]).default("report"),
  /** Instead of the default limits of lint, those that are named. */
  lintLimits: lintLimitsSchema.optional(),
});

export interface Profile extends z.infer<typeof profileSchema> {
  readonly name: string;
}

/** No such profile, or its file is wrong. */
export class ProfileError extends Error {
  override name = "ProfileError";
  readonly code = "profile";
}

/** What the subnet does, with 36 views. */
export const defaultProfile = "sn17-seed";

/** Where the project's own profiles are. */
export const profilesDir = new URL("../../../../resources/profiles/", import.meta.url).pathname;

/** @throws ProfileError */
export async function loadProfile(name: string, directory = profilesDir): Promise<Profile> {
  const names = (await readdir(directory))
    .filter((file) => file.endsWith(".json"))
    .map((file) => file.slice(0, -".json".length));
  if (!names.includes(name)) {
    throw new ProfileError(`no profile "${name}"; there are ${names.toSorted().join(", ")}`);
  }
  const file = join(directory, `${name}.json`);
  try {
    const profile = profileSchema.parse(JSON.parse(await readFile(file, "utf8")));
    const { elevation } = profile;
    if ("minDeg" in elevation && elevation.maxDeg <= elevation.minDeg) {
      throw new RangeError("elevation: maxDeg must be above minDeg");
    }
    return { name, ...profile };
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    throw new ProfileError(`${file}: ${why}`, { cause: error });
  }
}

/**
 * The profiles of a directory, each read and checked once. A file that comes later is found; of one that changes the
 * old content goes on, until the process starts again.
 * @returns as `loadProfile`
 */
export function createProfiles(directory = profilesDir): (name: string) => Promise<Profile> {
  const loaded = new Map<string, Profile>();
  return async (name) => {
    const profile = loaded.get(name) ?? (await loadProfile(name, directory));
    loaded.set(name, profile);
    return profile;
  };
}

/** The score of an asset from its views' probabilities. */
export function summarise({ summary }: Profile, probabilities: readonly number[]): number {
  if (summary === "mean") {
    return mean(probabilities);
  }
  // In single precision, as the original compares: a view at its 0.4 is not above 0.4.
  const least = Math.fround(summary.meanOfViewsAbove);
  const above = probabilities.filter((probability) => Math.fround(probability) > least);
  return mean(above.length > 0 ? above : probabilities);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
