import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openAssetFiles } from "./index.ts";

function directory(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "turntable-assets-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

test("assets come back byte for byte, and left-overs are removed", async () => {
  using folder = directory();
  const assets = await openAssetFiles(folder.path);
  const bytes = new Uint8Array([1, 2, 3]);
  const sha256 = await assets.save(bytes);
  assert.equal(sha256, await assets.save(bytes), "the same bytes are one asset");
  writeFileSync(join(folder.path, "x.partial"), "half");
  const again = await openAssetFiles(folder.path);
  assert.deepEqual(await again.load(sha256), Buffer.from(bytes));
  assert.deepEqual(readdirSync(folder.path), [sha256]);
  await assert.rejects(again.load("../etc/passwd"), TypeError);
});

test("an asset whose file is gone, or rotten, is gone", async () => {
  using folder = directory();
  const bytes = new Uint8Array([1, 2, 3]);
  const sha256 = await (await openAssetFiles(folder.path)).save(bytes);
  const assets = await openAssetFiles(folder.path);
  writeFileSync(join(folder.path, sha256), new Uint8Array([1, 2, 7]));
  assert.equal(await assets.load(sha256), undefined);
  rmSync(join(folder.path, sha256));
  assert.equal(await assets.load(sha256), undefined);
});

test("what was just saved is not read back from disk, the first time only", async () => {
  using folder = directory();
  const assets = await openAssetFiles(folder.path);
  const bytes = new Uint8Array([1, 2, 3]);
  const sha256 = await assets.save(bytes);
  rmSync(join(folder.path, sha256));
  assert.equal(await assets.load(sha256), bytes, "the very bytes");
  assert.equal(await assets.load(sha256), undefined);
});

test("what is kept in memory has a limit: the oldest goes, and what is larger is not kept", async () => {
  using folder = directory();
  const assets = await openAssetFiles(folder.path, { freshBytes: 8 });
  const [first, second, third, huge] = [
    new Uint8Array([1, 0, 0, 0]),
    new Uint8Array([2, 0, 0, 0]),
    new Uint8Array([3, 0, 0, 0]),
    new Uint8Array(9),
  ];
  const hashes: string[] = [];
  for (const bytes of [first, second, second, third, huge]) hashes.push(await assets.save(bytes));
  for (const name of readdirSync(folder.path)) rmSync(join(folder.path, name));
  const kept: boolean[] = [];
  for (const sha256 of new Set(hashes)) kept.push((await assets.load(sha256)) !== undefined);
  assert.deepEqual(kept, [false, true, true, false]);
});
