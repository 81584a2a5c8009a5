/** How the profiles that come with the project look at an asset; the report has only a profile's name. */
import type { SceneOptions } from "@turntable/validation/browser";

/** What of a profile makes a picture of a view. */
export interface ScoringRule extends SceneOptions {
  /** Distance of the cameras from the origin, in units. */
  readonly radius: number;
  /** Of the scored pictures, in pixels along an edge. */
  readonly size: number;
  readonly fovyDeg: number;
  /** Red, green, blue, 0 to 1. */
  readonly background: readonly [number, number, number];
}

const defaultProfile = "sn17-seed";

/** As it stands in a profile's file. */
interface ProfileFile {
  readonly radius: number;
  readonly size: number;
  readonly fovyDeg: number;
  readonly background: readonly number[];
  readonly rescaleBox?: number;
  readonly colours?: string;
}

const files = import.meta.glob<ProfileFile>("../../../../resources/profiles/*.json", {
  eager: true,
  import: "default",
});

/** Of a profile of the operator's own the numbers are not known here: then the subnet's hold. */
export function scoringRuleOf(profile: string | undefined): ScoringRule {
  const fileOf = (name: string): ProfileFile | undefined =>
    files[`../../../../resources/profiles/${name}.json`];
  const file = fileOf(profile ?? defaultProfile) ?? fileOf(defaultProfile);
  if (file === undefined) {
    throw new Error(`the page was built without the profile ${defaultProfile}`);
  }
  const [red = 1, green = 1, blue = 1] = file.background;
  return {
    radius: file.radius,
    size: file.size,
    fovyDeg: file.fovyDeg,
    background: [red, green, blue],
    rescaleBox: file.rescaleBox,
    colours: file.colours === "band-0-unclamped" ? "band-0-unclamped" : "all-bands",
  };
}
