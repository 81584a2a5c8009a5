/** No process of ours connects to anybody but its configured peers, all of which are on this machine here. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const everything = new URL("everything.test-process.ts", import.meta.url).pathname;
/** What runs models would report to its maker 7.5 s after a process is ready. */
const watchedMs = Number(process.env.TURNTABLE_TEST_WATCHED_MS ?? 9_000);
/** Sent without a connection: names are asked for so. */
const calls = "connect,sendto,sendmsg,sendmmsg";
const tracing = ["-f", "-qq", "--seccomp-bpf", "-e", `trace=${calls}`];
const strace = spawnSync("strace", [...tracing, "true"]);
const skip = strace.status === 0 ? false : "strace is not here, or must not trace";

test("all programs together ask nobody on the internet, no proxy and no server of names", {
  skip,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), "turntable-outside-"));
  const proxy = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
  try {
    await once(proxy, "listening");
    const address = proxy.address();
    assert.ok(typeof address === "object" && address !== null);
    const url = `http://127.0.0.1:${address.port}`;
    const log = join(folder, "calls");
    const home = join(folder, "home");
    // Neither `CI` nor a choice of the caller's: they would hide reports.
    const env = {
      ...{ PATH: process.env.PATH, HOME: home },
      ...{ http_proxy: url, https_proxy: url, HTTP_PROXY: url, HTTPS_PROXY: url, ALL_PROXY: url },
    };
    const argv = [...tracing, "-o", log, process.execPath, everything, String(watchedMs)];
    const child = spawn("strace", argv, { env, stdio: ["ignore", "inherit", "inherit"] });
    const [status] = await once(child, "exit");
    assert.equal(status, 0);
    const addressed = (await readFile(log, "utf8")).split("\n").filter((line) => {
      return /sin6?_port/.test(line);
    });
    assert.ok(addressed.length >= 5, "what is watched for is seen");
    const here = /inet_addr\("127\.\d+\.\d+\.\d+"\)|inet_pton\(AF_INET6, "::1"/;
    const outside = addressed.filter(
      (line) => !here.test(line) || line.includes(`htons(${address.port})`),
    );
    assert.deepEqual(outside, []);
    assert.deepEqual(await readdir(home).catch(() => []), []);
  } finally {
    proxy.close();
    await rm(folder, { recursive: true });
  }
});
