import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { compressed, formFor, isKnown, readFolder, servedFile } from "./folder.ts";

function folder(files: Readonly<Record<string, string>>): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "turntable-folder-"));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(path, name, ".."), { recursive: true });
    writeFileSync(join(path, name), content);
  }
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

test("files are found by their names; hidden ones, folders and links elsewhere are not there", async () => {
  using made = folder({
    "index.html": "<p>",
    "assets/a-1.js": "1",
    ".stamp": "x",
    ".git/config": "x",
  });
  symlinkSync("/etc/passwd", join(made.path, "passwd"));
  const files = (await readFolder(made.path)) ?? assert.fail();
  assert.deepEqual([...files.keys()].toSorted(), ["assets/a-1.js", "index.html"]);
  assert.equal(files.get("assets/a-1.js")?.contentType, "text/javascript; charset=utf-8");
  assert.equal(files.get("../index.html"), undefined);
});

test("compressed forms belong to their file, and are given to who takes them", async () => {
  using made = folder({
    ...{ "a.js": "long text", "a.js.br": "br", "a.js.gz": "gzip" },
    "alone.gz": "not a form of anything",
  });
  const files = (await readFolder(`${made.path}/`)) ?? assert.fail();
  assert.deepEqual([...files.keys()].toSorted(), ["a.js", "alone.gz"]);
  const file = files.get("a.js") ?? assert.fail();
  const form = (accept: string | undefined) => formFor(file, accept);
  assert.equal(form("gzip, deflate, br").encoding, "br");
  assert.equal(form("gzip;q=1.0, br;q=0").encoding, "gzip");
  assert.equal(form("*").encoding, "br");
  assert.equal(form("identity").encoding, undefined);
  assert.equal(form(undefined).encoding, undefined);
  const etags = [form("br"), form("gzip"), form(undefined)].map(({ etag }) => etag);
  assert.equal(new Set(etags).size, 3);
});

test("a form that is larger than the plain one is given to nobody", async () => {
  using made = folder({ "a.css": "short", "a.css.br": "longer than that" });
  const file = (await readFolder(made.path))?.get("a.css") ?? assert.fail();
  assert.equal(formFor(file, "br").encoding, undefined);
});

test("F4: text that has no compressed form gets some; small files and pictures stay as they are", async () => {
  const text = new Uint8Array(Buffer.from("let it be compressed; ".repeat(100)));
  const file = await compressed(servedFile("a.js", text));
  assert.deepEqual(
    file.forms.map(({ encoding }) => encoding),
    ["br", "gzip", undefined],
  );
  const [br, gz] = file.forms;
  assert.deepEqual(new Uint8Array(brotliDecompressSync(br?.bytes ?? "")), text);
  assert.deepEqual(new Uint8Array(gunzipSync(gz?.bytes ?? "")), text);
  assert.equal(await compressed(file), file, "it has them");
  for (const other of [servedFile("a.png", text), servedFile("a.js", text.subarray(0, 100))]) {
    assert.equal(await compressed(other), other);
  }
});

test("whoever has a form already is known by its tag", () => {
  const [form] = servedFile("a.css", new Uint8Array([1])).forms;
  assert.ok(form !== undefined);
  const { etag } = form;
  for (const header of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
    assert.ok(isKnown(form, header), header);
  }
  for (const header of [undefined, "", '"other"', etag.slice(1, -1)]) {
    assert.ok(!isKnown(form, header), header);
  }
});

test("a folder that is not there is nothing, and one that is too large is refused", async () => {
  using made = folder({ "a.txt": "12345" });
  assert.equal(await readFolder(join(made.path, "nothing")), undefined);
  await assert.rejects(readFolder(made.path, { maxBytes: 4 }), /more than the 4 bytes/);
});
