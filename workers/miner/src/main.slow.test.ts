/** The miner as operators run it: a process. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { before, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createLocalChain } from "@turntable/bittensor/chain";
import { keypairFromUri, ready } from "@turntable/bittensor/keys";
import { startLocalNode } from "@turntable/bittensor/local-node";
import {
  farAhead,
  type LogLine,
  smallPly,
  startGenerator,
  startValidator,
  task,
} from "../test/subnet.ts";

before(ready);

const run = promisify(execFile);
const command = fileURLToPath(new URL("../bin/turntable-miner", import.meta.url));

/** The development key //Alice as polkadot.js 16 exports it. */
const exportOfAlice = {
  encoded:
    "7rdhsLxgCUSvv6H0puh2k7Ka9+yv3JBUD5zdS4o1Zw4AAAIAAQAAAAgAAACx0XN7cNBTyS/IQd2DGdlSbEyiz8gRp+iPWYtlgM6m+Ud7x5+lUUa9dAZb8RMmdxz5MfVuUhGKoRj0plpzrkA5awd2TdQDIGquR1jjlry8hs1AwO6E3ZTl98R7bWiR+H7+v7mDnt6lpDO59UoroC6/MbkMFA1xJ2oq9kZhp37RhFoqyCKMkikA7aZGDlIc2IZuLz+UdjQCtFg9msf6",
  encoding: { content: ["pkcs8", "sr25519"], type: ["scrypt", "xsalsa20-poly1305"], version: "3" },
  address: "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
};

function start(t: TestContext, args: readonly string[]) {
  const dataDir = mkdtempSync(join(tmpdir(), "miner-"));
  const child = spawn(command, ["--data-dir", dataDir, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  t.after(async () => {
    child.kill("SIGKILL");
    await ended;
    await rm(dataDir, { recursive: true, force: true });
  });
  const lines: LogLine[] = [];
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const reader = createInterface(child.stdout).on("line", (line) => lines.push(JSON.parse(line)));
  const ended = once(child, "close").then(([code]) => ({ code, stderr }));
  return {
    ...{ child, dataDir, ended },
    async logged(msg: string): Promise<LogLine> {
      for (;;) {
        const line = lines.find((candidate) => candidate.msg === msg);
        if (line !== undefined) {
          return line;
        }
        await Promise.race([
          once(reader, "line"),
          ended.then(() => assert.fail(`it ended without "${msg}": ${stderr}`)),
        ]);
      }
    },
  };
}

it("mines with the keys, validators and generator of its flags, and stops in order", async (t) => {
  const validator = await startValidator(
    t,
    {
      pull: () =>
        validator.pulls.length > 1 ? { task: null, cooldown_until: farAhead } : { task },
    },
    { now: Date.now },
  );
  const generator = await startGenerator(t, () => smallPly());
  const { ip, port, hotkey } = validator.target;
  const miner = start(t, [
    ...["--hotkey-uri", "//Alice", "--validator", `${ip}:${port}:${hotkey}`],
    ...["--generate-url", generator.url, "--packing", "spz", "--http-port", "0"],
  ]);
  const { http } = await miner.logged("ready");
  const line = await miner.logged("task done");
  assert.equal(line.outcome, "accepted");
  assert.equal(validator.submissions[0]?.compression, 2);
  assert.equal(await (await fetch(`http://${http}/readyz`)).text(), "ok\n");
  const metrics = await (await fetch(`http://${http}/metrics`)).text();
  assert.match(metrics, /^turntable_miner_tasks_total\{[^}]*outcome="accepted"[^}]*\} 1/m);
  assert.match(metrics, /^turntable_miner_validator_average_fidelity\{[^}]*\} 1$/m);
  assert.match(metrics, /^turntable_miner_generations_total\{[^}]*outcome="made"[^}]*\} 1/m);
  const { stdout: table } = await run(command, ["status", "--data-dir", miner.dataDir]);
  assert.match(table, /^validator +tasks +accepted +average +reward +cooldown +p50 +p95$/m);
  assert.match(
    table,
    new RegExp(`^${hotkey.slice(0, 8)}… 127.0.0.1:${port} +1 +1 \\(100 %\\) `, "m"),
  );
  miner.child.kill("SIGTERM");
  assert.deepEqual(await miner.ended, { code: 0, stderr: "" });
  const { stdout: json } = await run(command, ["status", "--data-dir", miner.dataDir, "--json"]);
  assert.equal(JSON.parse(json).validators[0].accepted, 1);
});

it("finds its validators on the chain", async (t) => {
  const netuid = 17;
  const validator = await startValidator(
    t,
    { pull: () => (validator.pulls.length > 1 ? { cooldown_until: farAhead } : { task }) },
    { now: Date.now },
  );
  const generator = await startGenerator(t, () => smallPly());
  await using chain = createLocalChain({ subnets: [{ netuid }], allowLoopback: true });
  const { ip, port, hotkey: ss58 } = validator.target;
  chain.register({ netuid, hotkey: ss58, stakeTao: 1_000 });
  await chain.serveAxon({ netuid, hotkey: keypairFromUri("//Bob"), address: { ip, port } });
  await using node = await startLocalNode({ chain, port: 0 });
  const miner = start(t, [
    ...["--hotkey-uri", "//Alice", "--chain-endpoints", node.url, "--chain-sync-ms", "1000"],
    ...["--generate-url", generator.url, "--http-port", "0"],
  ]);
  const alice = keypairFromUri("//Alice").ss58;
  await miner.logged(
    `the hotkey ${alice} is not registered on subnet 17: register it; until then nothing is mined`,
  );
  assert.equal(validator.pulls.length, 0);
  chain.register({ netuid, hotkey: alice });
  assert.equal((await miner.logged("the hotkey is registered")).validators, 1);
  assert.equal((await miner.logged("task done")).outcome, "accepted");
});

it("takes a hotkey that polkadot.js exported, with a password file", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "miner-hotkey-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const [file, passwordFile] = [join(folder, "alice.json"), join(folder, "password")];
  await writeFile(file, JSON.stringify(exportOfAlice));
  await writeFile(passwordFile, "wallet-password\n");
  const flags = ["--validator", `127.0.0.1:1:${exportOfAlice.address}`, "--http-port", "0"];
  const locked = await start(t, ["--hotkey-file", file, ...flags]).ended;
  assert.equal(locked.code, 1);
  assert.match(locked.stderr, /alice\.json: is an export of polkadot\.js and no password is given/);
  const opened = start(t, [
    ...["--hotkey-file", file, "--hotkey-password-file", passwordFile],
    ...flags,
  ]);
  assert.equal((await opened.logged("ready")).hotkey, exportOfAlice.address);
});

it("is not ready while no validator can be reached, and says why", async (t) => {
  const generator = await startGenerator(t, () => smallPly());
  const hotkey = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty";
  const miner = start(t, [
    ...["--hotkey-uri", "//Alice", "--validator", `127.0.0.1:1:${hotkey}`],
    ...["--generate-url", generator.url, "--http-port", "0"],
  ]);
  const { http } = await miner.logged("ready");
  await miner.logged("the validator gave no task");
  const response = await fetch(`http://${http}/readyz`);
  assert.equal(response.status, 503);
  assert.match(await response.text(), /503 Service unavailable at 127\.0\.0\.1:1\/PullTask/);
});

it("names everything that is wrong with its flags at once", async (t) => {
  const miner = start(t, [
    ...["--validator", "127.0.0.1:8091", "--generate-url", "ftp://x", "--packing", "zip"],
  ]);
  const { code, stderr } = await miner.ended;
  assert.equal(code, 2);
  for (const flag of ["--validator", "--generate-url", "--packing"]) {
    assert.match(stderr, new RegExp(`^turntable-miner: ${flag} `, "m"));
  }
});
