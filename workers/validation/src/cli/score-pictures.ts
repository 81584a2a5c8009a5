/** `turntable-worker score --pictures DIR`: pictures that are already there, scored as if they had been rendered. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { PictureError, readPng } from "../pictures/index.ts";
import type { Clip } from "../score/index.ts";
import { type Profile, summarise } from "../scoring/index.ts";

export interface ScoredPictures {
  /** 0 to 1 */
  readonly score: number;
  readonly views: readonly { readonly picture: string; readonly probability: number }[];
}

/** @throws PictureError when there is no PNG file in the directory, or one that cannot be read */
export async function scorePictures(
  clip: Clip,
  directory: string,
  prompt: string,
  profile: Profile,
): Promise<ScoredPictures> {
  const names = (await readdir(directory))
    .filter((name) => name.toLowerCase().endsWith(".png"))
    .map((name) => ({ name, key: orderOf(name) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ name }) => name);
  if (names.length === 0) {
    throw new PictureError(`${directory} has no .png file`);
  }
  // One after another: a decoded picture is much larger than its file.
  const scoring = clip.startViews(prompt);
  for (const [view, name] of names.entries()) {
    scoring.add(view, await readPng(join(directory, name)));
  }
  const probabilities = await scoring.finish();
  return {
    score: summarise(profile, probabilities),
    views: names.map((picture, view) => ({
      picture,
      probability: probabilities[view] ?? Number.NaN,
    })),
  };
}

/** Numbers in names count as numbers, so that `render`'s 10.png comes after its 9.png. */
function orderOf(name: string): string {
  return name.replaceAll(/\d+/g, (digits) => digits.padStart(20, "0"));
}
