/** The prompt pipeline as operators run it: processes. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { keypairFromUri, ready } from "@turntable/bittensor/keys";

before(ready);

const run = promisify(execFile);
const command = fileURLToPath(new URL("../bin/turntable-prompts", import.meta.url));

test("make writes as many prompts as it is told, the same for a seed, and filters a file of drafts", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "prompts-make-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const [out, statistics, again] = ["a.txt", "a.json", "b.txt"].map((name) => join(dir, name));
  assert.ok(out !== undefined && statistics !== undefined && again !== undefined);
  const seed = ["--seed", "3", "--count", "200"];
  const made = await run(command, ["make", ...seed, "--out", out, "--statistics", statistics]);
  assert.match(made.stderr, /█ 100 %.*\n200 prompts in /s);
  const lines = readFileSync(out, "utf8").trimEnd().split("\n");
  assert.equal(new Set(lines).size, 200);
  const { prompts, categories } = JSON.parse(readFileSync(statistics, "utf8"));
  assert.equal(prompts, 200);
  assert.ok(categories.object.kept > 0);

  const drafts = join(dir, "drafts.txt");
  writeFileSync(
    drafts,
    lines.map((line, index) => `${index + 1}. ${line}\nthe ${line}\n`).join(""),
  );
  await run(command, ["make", "--from", drafts, "--out", again]);
  assert.deepEqual(readFileSync(again, "utf8"), readFileSync(out, "utf8"));
});

test("serve makes prompts, hands them out to who signs, and stops in order", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "prompts-serve-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const args = [
    "serve",
    "--data-dir",
    dir,
    "--fresh",
    "100",
    "--get-count",
    "50",
    "--http-port",
    "0",
  ];
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const closed = once(child, "close");
  const [line] = await once(createInterface(child.stdout), "line");
  const { url } = JSON.parse(line);
  const alice = keypairFromUri("//Alice");
  const startedAt = BigInt(Date.now()) * 1_000_000n;
  let lastNonce = 0n;
  const get = async () => {
    const nonce = startedAt + lastNonce++;
    const signature = Buffer.from(alice.sign(`${nonce}${alice.ss58}`)).toString("base64");
    const request = `{"hotkey":"${alice.ss58}","nonce":${nonce},"signature":"${signature}"}`;
    const response = await fetch(new URL("/get", url), {
      ...{ method: "POST", body: request },
    });
    const body: unknown = await response.json();
    return { status: response.status, prompts: Object(body).prompts };
  };
  let answer = await get();
  while (answer.status === 503) {
    answer = await get(); // the first prompts are being made
  }
  assert.equal(answer.prompts.length, 50);
  const metrics = await (await fetch(new URL("/metrics", url))).text();
  assert.match(metrics, /^turntable_prompts_pool\{[^}]*kind="all"[^}]*\} \d{2,}$/m);
  child.kill("SIGTERM");
  assert.deepEqual(await closed, [0, null]);
});
