/** Downloads of the command that are killed in the middle, and go on when it is run again. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, watch, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { TaskState } from "@turntable/proto";
import { emptyFolder, runCommand } from "../../test/cli.ts";
import {
  assetOf,
  startService,
  successfulEvents,
  type TestHandlers,
  taskOf,
} from "../../test/service.ts";
import { slug } from "./text.ts";

const bytes = randomBytes(5_000);
const cutAt = 3_000;

/** Sends the asset from where it is asked for; the first time it stops in the middle for good. */
function stopping(offsets: bigint[], of = bytes): TestHandlers {
  return {
    async *downloadAsset({ offset }, { signal }) {
      offsets.push(offset);
      yield { part: { case: "asset", value: assetOf(of) }, offset };
      const end = offsets.length === 1 ? cutAt : of.length;
      for (let at = Number(offset); at < end; at += 1_000) {
        yield { part: { case: "chunk", value: of.subarray(at, Math.min(end, at + 1_000)) } };
      }
      if (offsets.length === 1) {
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      }
    },
  };
}

/** Resolves once the part file in this folder has the bytes that come before the cut. */
function partOf(t: TestContext, cwd: string, name: string): Promise<void> {
  const isThere = (): boolean => {
    const content = readdirSync(cwd).includes(name) ? readFileSync(join(cwd, name)) : Buffer.of();
    return content.length - content.indexOf("\n") - 1 === cutAt;
  };
  return new Promise((resolve) => {
    const watcher = watch(cwd, () => isThere() && resolve());
    t.after(() => watcher.close());
  });
}

describe("a download that was killed", () => {
  it("asks for the rest when it is run again, and leaves the asset alone", async (t) => {
    const offsets: bigint[] = [];
    const { address } = await startService(t, stopping(offsets));
    const cwd = emptyFolder(t);
    const argv = ["download", "task-1", "--out", "a.bin", "--raw"];
    const killed = partOf(t, cwd, "a.bin.part");
    assert.equal((await runCommand(t, argv, { address, cwd, killed })).code, null);
    assert.deepEqual(readdirSync(cwd), ["a.bin.part"]);
    const { code, stderr } = await runCommand(t, argv, { address, cwd });
    assert.equal(code, 0, stderr);
    assert.deepEqual(offsets, [0n, BigInt(cutAt)]);
    assert.deepEqual(readFileSync(join(cwd, "a.bin")), bytes);
    assert.deepEqual(readdirSync(cwd), ["a.bin"]);
  });

  it("begins anew where what was kept is of another asset, or damaged", async (t) => {
    const kept = (sha256: Uint8Array, have: Uint8Array) =>
      Buffer.concat([
        Buffer.from(
          `${JSON.stringify({ taskId: "task-1", prompt: "", sha256: Buffer.from(sha256).toString("hex") })}\n`,
        ),
        have,
      ]);
    const { sha256 } = assetOf(bytes);
    for (const part of [
      kept(randomBytes(32), bytes.subarray(0, cutAt)),
      kept(sha256, randomBytes(cutAt)),
      kept(sha256, randomBytes(bytes.length + 1)),
      Buffer.from("not ours"),
    ]) {
      const offsets: bigint[] = [0n]; // nothing stops
      const { address } = await startService(t, stopping(offsets));
      const cwd = emptyFolder(t);
      writeFileSync(join(cwd, "a.bin.part"), part);
      const argv = ["download", "task-1", "--out", "a.bin", "--raw"];
      const { code, stderr } = await runCommand(t, argv, { address, cwd });
      assert.equal(code, 0, stderr);
      assert.equal(offsets.at(-1), 0n);
      assert.deepEqual(readFileSync(join(cwd, "a.bin")), bytes);
      assert.deepEqual(readdirSync(cwd), ["a.bin"]);
    }
  });

  it("is gone on with by generate for the same prompt, one or of a file, which makes no second task", async (t) => {
    const offsets: bigint[] = [];
    let tasks = 0;
    const task = taskOf("task-1", { state: TaskState.SUCCEEDED });
    const { address } = await startService(t, {
      ...stopping(offsets),
      async createTask() {
        tasks++;
        return { task };
      },
      async getTask() {
        return { task };
      },
      async *watchTask() {
        yield* successfulEvents;
      },
    });
    const cwd = emptyFolder(t);
    const { prompt } = assetOf(bytes);
    writeFileSync(join(cwd, "prompts.txt"), `${prompt}\n`);
    const name = `0001-${slug(prompt)}`;
    for (const [argv, part, made] of [
      [[prompt, "--out", "a.bin"], "a.bin.part", "a.bin"],
      [["--prompts", "prompts.txt"], `${name}.part`, `${name}.ply`],
    ] as const) {
      offsets.length = 0;
      tasks = 0;
      const generate = ["generate", ...argv, "--raw"];
      const killed = partOf(t, cwd, part);
      await runCommand(t, generate, { address, cwd, killed });
      const { code, stderr } = await runCommand(t, generate, { address, cwd });
      assert.equal(code, 0, stderr);
      assert.match(stderr, /^going on with task /m);
      assert.deepEqual([tasks, offsets], [1, [0n, BigInt(cutAt)]]);
      assert.deepEqual(readFileSync(join(cwd, made)), bytes);
      assert.ok(!readdirSync(cwd).includes(part));
    }
  });
});
