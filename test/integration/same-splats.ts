/** Files decoded in a browser against the same decoded by Node. */
import assert from "node:assert/strict";
import { type Description, describeAsset } from "@turntable/splat/test/describe";
import type { BundlePage } from "../harness/browser-bundle.ts";

export interface NamedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Of those that have no header. */
  readonly format?: string;
}

/** The path under which a page finds a file. */
export function pathOf({ name }: NamedFile): string {
  return `/files/${encodeURIComponent(name)}`;
}

/** @returns what all of them are in words, by name; the browser's and Node's words are the same */
export async function assertSameSplats(
  { evaluate }: BundlePage,
  files: readonly NamedFile[],
): Promise<ReadonlyMap<string, Description>> {
  const found = new Map<string, Description>();
  for (const file of files) {
    const expected = await describeAsset(file.bytes, file.format);
    const asked = JSON.stringify([pathOf(file), file.format ?? null]);
    const actual = await evaluate(`exported.describeFile(...${asked})`);
    assert.deepEqual(actual, expected, file.name);
    found.set(file.name, expected);
  }
  return found;
}
