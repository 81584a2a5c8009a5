/** Files decoded in a browser against the same decoded by Node. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { openBundle } from "../../harness/browser-bundle.ts";
import { type Description, describeAsset } from "./describe-splat.ts";

export interface NamedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Of those that have no header. */
  readonly format?: string;
}

/** @returns what all of them are in words, by name; the browser's and Node's words are the same */
export async function assertSameSplats(
  files: readonly NamedFile[],
): Promise<ReadonlyMap<string, Description>> {
  const paths = files.map((file, index) => ({ ...file, path: `/files/${index}` }));
  await using page = await openBundle(
    join(import.meta.dirname, "page.ts"),
    new Map(paths.map(({ path, bytes }) => [path, bytes])),
  );
  const found = new Map<string, Description>();
  for (const { name, bytes, format, path } of paths) {
    const expected = await describeAsset(bytes, format);
    const asked = [path, format].map((value) => JSON.stringify(value) ?? "undefined");
    assert.deepEqual(await page.evaluate(`exported.describeFile(${asked})`), expected, name);
    found.set(name, expected);
  }
  assert.deepEqual(page.complaints, []);
  return found;
}
