import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type AssetFiles, openAssetFiles } from "./index.ts";

function directory(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "turntable-assets-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

test("assets come back byte for byte, and left-overs are removed", async () => {
  using folder = directory();
  const assets = await openAssetFiles(folder.path);
  const bytes = new Uint8Array([1, 2, 3]);
  using saved = await assets.save(bytes);
  const { sha256 } = saved;
  assert.equal((await assets.save(bytes)).sha256, sha256, "the same bytes are one asset");
  writeFileSync(join(folder.path, "x.partial"), "half");
  const again = await openAssetFiles(folder.path);
  assert.deepEqual(await again.load(sha256), Buffer.from(bytes));
  assert.deepEqual(readdirSync(folder.path), [sha256]);
  await assert.rejects(again.load("../etc/passwd"), TypeError);
});

test("an asset whose file is gone, or rotten, is gone", async () => {
  using folder = directory();
  const bytes = new Uint8Array([1, 2, 3]);
  const { sha256 } = await (await openAssetFiles(folder.path)).save(bytes);
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
  using saved = await assets.save(bytes);
  const { sha256 } = saved;
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
  for (const bytes of [first, second, second, third, huge]) {
    hashes.push((await assets.save(bytes)).sha256);
  }
  for (const name of readdirSync(folder.path)) {
    rmSync(join(folder.path, name));
  }
  const kept: boolean[] = [];
  for (const sha256 of new Set(hashes)) {
    kept.push((await assets.load(sha256)) !== undefined);
  }
  assert.deepEqual(kept, [false, true, true, false]);
});

async function walked(assets: AssetFiles): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const sha256 of assets.walk()) {
    names.push(sha256);
  }
  return names.toSorted();
}

test("what is held is not removed, and what is removed is gone from memory, too", async () => {
  using folder = directory();
  const assets = await openAssetFiles(folder.path);
  const bytes = new Uint8Array([1, 2, 3]);
  const first = await assets.save(bytes);
  const second = await assets.save(bytes);
  first[Symbol.dispose]();
  assert.equal(await assets.remove(first.sha256), false, "the second one holds it");
  second[Symbol.dispose]();
  assert.equal(await assets.remove(first.sha256), true);
  assert.equal(await assets.remove(first.sha256), false, "there is none");
  assert.equal(await assets.load(first.sha256), undefined);
  await assert.rejects(assets.remove("../etc/passwd"), TypeError);
});

test("bytes that come again while they are removed are there afterwards", async () => {
  using folder = directory();
  const assets = await openAssetFiles(folder.path, { freshBytes: 0 });
  const bytes = new Uint8Array([1, 2, 3]);
  for (let round = 0; round < 20; round++) {
    const saved = await assets.save(bytes);
    saved[Symbol.dispose]();
    const removed = assets.remove(saved.sha256);
    const [again] = await Promise.all([assets.save(bytes), removed]);
    assert.ok(await assets.load(again.sha256));
    again[Symbol.dispose]();
  }
});

test("a walk finds every asset, removes what nobody writes any more, and nothing that somebody writes", async () => {
  using folder = directory();
  const assets = await openAssetFiles(folder.path);
  const one = await assets.save(new Uint8Array([1]));
  writeFileSync(join(folder.path, "left.partial"), "half");
  writeFileSync(join(folder.path, "README"), "not ours");
  const saving = assets.save(new Uint8Array(4 << 20));
  assert.ok((await walked(assets)).includes(one.sha256));
  const two = await saving;
  assert.deepEqual(await walked(assets), [one.sha256, two.sha256].toSorted());
  assert.deepEqual(
    readdirSync(folder.path).toSorted(),
    ["README", one.sha256, two.sha256].toSorted(),
  );
});

test("a save that fails leaves nothing", async () => {
  using folder = directory();
  const assets = await openAssetFiles(folder.path);
  const bytes = new Uint8Array([1, 2, 3]);
  const { sha256 } = await assets.save(bytes);
  rmSync(join(folder.path, sha256));
  mkdirSync(join(folder.path, sha256)); // a file cannot be renamed to that
  await assert.rejects(assets.save(bytes), /EISDIR|ENOTEMPTY|EEXIST/);
  assert.deepEqual(readdirSync(folder.path), [sha256]);
});

async function collected(pieces: AsyncIterable<Uint8Array>): Promise<readonly Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) {
    all.push(piece);
  }
  return all;
}

test("a file is read piece by piece, and one that is broken throws at its end", async () => {
  using folder = directory();
  const assets = await openAssetFiles(folder.path);
  const bytes = new Uint8Array(600 * 1024).map((_, i) => i % 251);
  const { sha256 } = await assets.save(bytes);
  const pieces = await collected((await assets.read(sha256)) ?? assert.fail());
  assert.deepEqual(
    pieces.map(({ length }) => length / 1024),
    [256, 256, 88],
  );
  assert.ok(Buffer.concat(pieces).equals(bytes));
  writeFileSync(join(folder.path, sha256), "others");
  const broken = (await assets.read(sha256)) ?? assert.fail();
  await assert.rejects(collected(broken), /is broken/);
  rmSync(join(folder.path, sha256));
  assert.equal(await assets.read(sha256), undefined);
});

test("an asset is read from an offset on", async () => {
  using folder = directory();
  const assets = await openAssetFiles(folder.path);
  using saved = await assets.save(new Uint8Array([1, 2, 3]));
  for (const [offset, expected] of [
    [2, [3]],
    [3, []],
  ] as const) {
    const found: number[] = [];
    for await (const chunk of (await assets.read(saved.sha256, offset)) ?? assert.fail()) {
      found.push(...chunk);
    }
    assert.deepEqual(found, expected);
  }
});
