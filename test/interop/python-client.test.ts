/** The generated Python package, as the README shows it: grpcio creates, watches and downloads. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { answerTasks } from "../harness/answer-tasks.ts";
import { startTestSubnet } from "../harness/coordinator.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");

test("a Python program gets an asset with the generated stubs", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "turntable-python-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const stubs = join(directory, "stubs");
  const installed = join(directory, "installed");
  let python: string;
  try {
    const made = await run(process.execPath, [join(root, "scripts/generate-python.ts"), stubs]);
    python = /^python: (.*)$/m.exec(made.stdout)?.[1] ?? assert.fail(made.stdout);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return t.skip(`no stubs could be made: ${reason.split("\n")[0]}`);
  }
  const pip = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"];
  await run(python, [...pip, "--disable-pip-version-check", "--target", installed, stubs]);

  const bytes = randomBytes(3_000_000);
  await using subnet = await startTestSubnet();
  await using _answers = answerTasks(subnet, () => bytes);
  const readme = readFileSync(join(root, "client-sdk/README.md"), "utf8");
  const example = /```python\n(.*?)```/s.exec(readme)?.[1] ?? assert.fail("no Python in README");
  const told = example.replace("127.0.0.1:50051", `127.0.0.1:${subnet.coordinator.grpcPort}`);
  assert.notEqual(told, example);
  writeFileSync(join(directory, "first.py"), told);
  const env = { ...process.env, PYTHONPATH: installed };
  const { stdout } = await run(python, ["first.py"], { cwd: directory, env, timeout: 30_000 });
  assert.equal(stdout, "created\nassigned\nsubmitted\naccepted\nsucceeded\n");
  assert.ok(readFileSync(join(directory, "cube.ply")).equals(bytes));
});
