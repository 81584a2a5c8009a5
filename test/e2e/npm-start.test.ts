/** What a newcomer runs first: `npm start`, as its own processes, from the shell's point of view. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createAdminClient } from "@turntable/client/admin";
import sharp from "sharp";

const root = new URL("../..", import.meta.url).pathname;
const dir = await mkdtemp(join(tmpdir(), "turntable-npm-start-"));
after(() => rm(dir, { recursive: true, force: true }));

/** Six columns of 36 views; the sheet is as wide as them, whatever its captions. */
const leastSheetWidth = 6 * 100;
/** The subnet's own grace period, and some. */
const stopTimeoutMs = 25_000;

test("npm start runs a first task, shows its contact sheet, and a SIGTERM to npm ends all of it", async () => {
  // A group of its own: whatever is left of it after the end is found by its number.
  const ports = ["--axon-port", "0", "--grpc-port", "0", "--admin-port", "0", "--http-port", "0"];
  const npm = spawn("npm", ["start", "--", "--dir", dir, ...ports], {
    cwd: root,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const { pid } = npm;
  assert.ok(pid !== undefined);
  const closed = once(npm, "close");
  let output = "";
  const seen = Promise.withResolvers<void>();
  const read = (chunk: Buffer): void => {
    output += String(chunk);
    if (output.includes("Ctrl-C stops everything.")) {
      seen.resolve();
    }
  };
  npm.stdout.on("data", read);
  npm.stderr.on("data", read);
  try {
    await Promise.race([
      seen.promise,
      closed.then(() => assert.fail(`it ended before its first task:\n${output}`)),
    ]);
    assert.doesNotMatch(output, /"level":/, "a newcomer is warned of something");
    assert.match(output, /succeeded by \w+, score 0\.9/);
    assert.match(output, /wrong {4}.+, rejected/);
    const [, url = ""] =
      /is up\.\n {2}page {5}(http:\S+) \(open it in a browser\)/.exec(output) ?? [];
    assert.match(await (await fetch(url)).text(), /<title>Turntable<\/title>/);

    const [, sheet = ""] = /pictures (\S+\.png)/.exec(output) ?? [];
    const { width, height } = await sharp(join("/", sheet)).metadata();
    assert.ok(width >= leastSheetWidth && height >= leastSheetWidth, `${width} × ${height}`);
    const addresses: unknown = JSON.parse(await readFile(join(dir, "addresses.json"), "utf8"));
    assert.ok(typeof addresses === "object" && addresses !== null && "grpc" in addresses);
    assert.ok("admin" in addresses && typeof addresses.admin === "string");
    using admin = createAdminClient({ address: addresses.admin });
    assert.deepEqual((await admin.getStatus({})).rules, "local");
    assert.ok("http" in addresses && typeof addresses.http === "string");
    await checkOperatorKey(addresses.http, output);

    npm.kill("SIGTERM");
    await stopped(closed);
    assert.match(output, /Everything has stopped\./);
    await assert.rejects(readFile(join(dir, "addresses.json")), { code: "ENOENT" });
    assert.throws(() => process.kill(-pid, 0), { code: "ESRCH" }, "a process is left");
  } finally {
    if (isThere(pid)) {
      process.kill(-pid, "SIGKILL");
    }
  }
});

/** The operator's key opens AdminService over HTTP, where nobody is anonymous, and is in its file alone. */
async function checkOperatorKey(http: string, output: string): Promise<void> {
  const file = join(dir, "operator.key");
  const key = (await readFile(file, "utf8")).trim();
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  const ask = async (headers: Record<string, string>) => {
    const answer = await fetch(`http://${http}/turntable.v1.AdminService/GetStatus`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: "{}",
    });
    return answer.status;
  };
  assert.equal(await ask({ authorization: `Bearer ${key}` }), 200);
  assert.equal(await ask({}), 401);
  assert.ok(!output.includes(key));
  assert.ok(!(await readFile(join(dir, "addresses.json"), "utf8")).includes(key));
}

/** A process that outlives npm keeps the pipes open, and so `closed` waiting. */
async function stopped(closed: Promise<unknown>): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("a process is left")), stopTimeoutMs);
  await Promise.race([closed, late]).finally(() => clearTimeout(timer));
}

/** Whether any process of the group runs. */
function isThere(group: number): boolean {
  try {
    return process.kill(-group, 0);
  } catch {
    return false;
  }
}
