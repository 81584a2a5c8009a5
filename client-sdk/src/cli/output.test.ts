import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { describe, it } from "node:test";
import { createOutput, writeFileWhole } from "./output.ts";

function streams(isTTY: boolean) {
  const stdout = new PassThrough();
  const stderr = Object.assign(new PassThrough(), { isTTY, columns: 40 });
  return {
    stdout,
    stderr,
    output: createOutput(stdout, stderr),
    shown: () => String(stderr.read()),
  };
}

describe("progress", () => {
  it("is a line a change where nobody watches", () => {
    const { output, shown } = streams(false);
    for (const text of ["queued", "queued", "scoring"]) {
      output.progress(text);
    }
    output.endProgress();
    output.note("done");
    assert.equal(shown(), "queued\nscoring\ndone\n");
  });

  it("is one changing line on a terminal, as wide as that, gone before anything else is printed", async () => {
    const { output, shown, stdout } = streams(true);
    output.progress("queued");
    output.progress(`scoring ${"x".repeat(100)}`);
    await output.write("result\n");
    const [before, first, second, cleared] = shown().split("\r\x1b[K");
    assert.equal(before, "");
    assert.match(first ?? "", /^queued \(\d+ ms\)$/);
    assert.equal(second?.length, 39);
    assert.equal(cleared, "");
    assert.equal(String(stdout.read()), "result\n");
  });
});

describe("a bar", () => {
  it("moves on a terminal, and is no line of its own elsewhere", () => {
    const terminal = streams(true);
    terminal.output.progress("downloading", 0);
    terminal.output.progress("downloading", 0.501);
    terminal.output.progress("downloading", 0.502); // the same percent
    const [, first, second, third] = terminal.shown().split("\r\x1b[K");
    terminal.output.endProgress();
    assert.match(first ?? "", /^downloading \[ {20}\] 0 %/);
    assert.match(second ?? "", /^downloading \[█{10} {10}\] 50 %/);
    assert.equal(third, undefined);
    const pipe = streams(false);
    pipe.output.progress("downloading", 0);
    pipe.output.progress("downloading", 0.5);
    assert.equal(pipe.shown(), "downloading\n");
  });
});

describe("writeFileWhole", () => {
  it("leaves nothing behind when it fails", async (t) => {
    const directory = mkdtempSync(join(tmpdir(), "turntable-output-"));
    t.after(() => rmSync(directory, { recursive: true }));
    const target = join(directory, "cube.ply");
    await writeFileWhole(target, new Uint8Array([1, 2]));
    assert.deepEqual([...readFileSync(target)], [1, 2]);
    writeFileSync(join(directory, "file"), "");
    await assert.rejects(writeFileWhole(join(directory, "file", "x"), new Uint8Array()));
    await assert.rejects(writeFileWhole(directory, new Uint8Array([1])));
    assert.deepEqual(readdirSync(directory).sort(), ["cube.ply", "file"]);
  });
});
