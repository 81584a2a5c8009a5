/** Verbs that stand beside those of the first days, which `cli.slow.test.ts` has. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import { toJsonString } from "@bufbuild/protobuf";
import { keypairFromUri, ready } from "@turntable/bittensor/keys";
import {
  ApiKeyScope,
  AssignmentState,
  CoordinatorRole,
  Intake,
  ScoreReportSchema,
  ScoringState,
  TaskState,
  WorkerState,
} from "@turntable/proto";
import { encodeErrorDetails, errorDetailsTrailer } from "@turntable/proto/error-details";
import { RpcError, statusCodes } from "@turntable/proto/rpc";
import { readDotSplat, type Splat, writePly } from "@turntable/splat";
import { emptyFolder, runCommand } from "../../test/cli.ts";
import {
  assetOf,
  downloadOf,
  eventsAfter,
  signedAsset,
  signedReportOf,
  startAdminService,
  startService,
  successfulEvents,
  type TestHandlers,
  taskOf,
} from "../../test/service.ts";

await ready();

const oneSplat: Splat = {
  count: 1,
  shDegree: 0,
  positions: Float32Array.of(0.5, -0.25, 1),
  scales: Float32Array.of(-4, -4, -4),
  rotations: Float32Array.of(1, 0, 0, 0),
  opacities: Float32Array.of(Number.POSITIVE_INFINITY),
  shDc: new Float32Array(3),
  shRest: new Float32Array(0),
};

describe("generate for many", () => {
  /** Makes every prompt but those with "bad"; counts how many are open at one time. */
  function factory() {
    const prompts = new Map<string, string>();
    const open = { now: 0, most: 0 };
    const bytesOf = (id: string) => Buffer.from(`the asset of ${prompts.get(id)}`);
    const assetFor = (id: string) => signedAsset(bytesOf(id), keypairFromUri("//Alice"));
    const handlers: TestHandlers = {
      async createTask({ prompt }) {
        const id = `task-${prompts.size + 1}`;
        prompts.set(id, prompt);
        open.most = Math.max(open.most, ++open.now);
        return { task: taskOf(id, { prompt }) };
      },
      watchTask: ({ afterSequence }) => eventsAfter(successfulEvents, afterSequence),
      async getTask({ taskId }) {
        const prompt = prompts.get(taskId) ?? "";
        if (prompt.includes("bad")) {
          open.now--;
          const failure = { code: "exhausted", message: "nobody could make it" };
          return { task: { id: taskId, state: TaskState.FAILED, failure } };
        }
        return { task: taskOf(taskId, { asset: assetFor(taskId) }) };
      },
      async *downloadAsset({ taskId }) {
        yield* downloadOf(assetFor(taskId), bytesOf(taskId));
        open.now--;
      },
    };
    return { handlers, prompts, open };
  }

  it("takes prompts from standard input, so many at a time, and says at the end what became of them", async (t) => {
    const { handlers, open } = factory();
    const { address } = await startService(t, handlers);
    const input = "a red cube\n\n  a bad cube\nein grüner Würfel\na red cube\n";
    const args = ["generate", "--prompts", "-", "--parallel", "2", "--out", "made"];
    const { code, stdout, stderr, cwd } = await runCommand(t, args, { address, input });
    assert.equal(code, 1, stderr);
    const names = ["0001-a-red-cube.ply", "0003-ein-grüner-würfel.ply", "0004-a-red-cube.ply"];
    assert.deepEqual(readdirSync(join(cwd, "made")).toSorted(), names);
    const written = readFileSync(join(cwd, "made", "0003-ein-grüner-würfel.ply"), "utf8");
    assert.equal(written, "the asset of ein grüner Würfel");
    assert.equal(stdout.trimEnd().split("\n").length, 3);
    assert.match(stderr, /^failed: a bad cube: .*nobody could make it/m);
    assert.match(stderr, /^3 of 4 made in .*, in made$/m);
    assert.match(stderr, /^turntable: 1 prompt has no asset; see above$/m);
    assert.equal(open.most, 2);
  });

  it("makes a prompt --count times, as lines of JSON, and waits where there is no room", async (t) => {
    const { handlers, prompts } = factory();
    let refusals = 1;
    const { createTask = assert.fail } = handlers;
    const { address } = await startService(t, {
      ...handlers,
      async createTask(request, context) {
        if (refusals-- > 0) {
          const limits = { limits: [], retryAfterMs: 10 };
          const code = statusCodes.RESOURCE_EXHAUSTED;
          const trailers = { [errorDetailsTrailer]: encodeErrorDetails(code, "full", limits) };
          throw new RpcError(code, "too many tasks are open", { trailers });
        }
        return createTask(request, context);
      },
    });
    const args = ["generate", "a red cube", "--count", "3", "--json"];
    const { code, stdout, stderr } = await runCommand(t, args, { address });
    assert.equal(code, 0, stderr);
    const made = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.deepEqual(made.map(({ out }) => out).toSorted(), [
      "0001-a-red-cube.ply",
      "0002-a-red-cube.ply",
      "0003-a-red-cube.ply",
    ]);
    assert.equal(prompts.size, 3);
  });

  it("says what is wrong with the file of prompts", async (t) => {
    const { code, stderr } = await runCommand(t, ["generate", "--prompts", "missing"]);
    assert.equal(code, 1);
    assert.match(stderr, /ENOENT.*missing/);
  });
});

it("--json makes a failure JSON as well, with its code", async (t) => {
  const { address } = await startService(t, {
    async getTask() {
      throw new RpcError(statusCodes.NOT_FOUND, "there is no task task-1");
    },
  });
  const { code, stdout, stderr } = await runCommand(t, ["show", "task-1", "--json"], { address });
  const error = { code: "not-found", message: "there is no task task-1" };
  assert.deepEqual([code, stdout, JSON.parse(stderr)], [1, "", { error }]);
});

it("--json says nothing for people while it waits for the server", async (t) => {
  let refusals = 1;
  const { address } = await startService(t, {
    async getTask({ taskId }) {
      if (refusals-- > 0) {
        throw new RpcError(statusCodes.UNAVAILABLE, "starting");
      }
      return { task: taskOf(taskId, { state: TaskState.QUEUED }) };
    },
  });
  const { code, stderr } = await runCommand(t, ["show", "task-1", "--json"], { address });
  assert.deepEqual([code, stderr], [0, ""]);
});

describe("one task", () => {
  it("is shown with what each miner made of it", async (t) => {
    const assignments = [
      {
        minerHotkey: "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
        state: AssignmentState.INVALID_ASSET,
        reason: "malformed: no header",
      },
    ];
    const task = { id: "task-1", state: TaskState.SCORING, assignments };
    const { address } = await startService(t, { getTask: async () => ({ task }) });
    const { code, stdout, stderr } = await runCommand(t, ["show", "task-1"], { address });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^state +scoring$/m);
    assert.match(stdout, /^5Grwva…utQY +invalid-asset +.*malformed: no header$/m);
    assert.match(stderr, /turntable watch task-1/);
    const json = await runCommand(t, ["show", "task-1", "--json"], { address });
    assert.equal(JSON.parse(json.stdout).id, "task-1");
  });

  it("is cancelled", async (t) => {
    const { address } = await startService(t, {
      cancelTask: async ({ taskId }) => ({ task: taskOf(taskId, { state: TaskState.CANCELLED }) }),
    });
    const { code, stdout } = await runCommand(t, ["cancel", "task-1"], { address });
    assert.deepEqual([code, stdout], [0, "task-1  cancelled\n"]);
  });
});

describe("score", () => {
  it("uploads a file and shows its report", async (t) => {
    const received: Uint8Array[] = [];
    const report = await signedReportOf("");
    const scoring = { id: "sc-1", prompt: "a red cube", sizeBytes: 7n };
    const { address } = await startService(
      t,
      {},
      {
        createScoring: async () => ({ scoring: { ...scoring, state: ScoringState.UPLOADING } }),
        async uploadAsset({ chunk }) {
          received.push(chunk);
          return { receivedBytes: 7n, complete: true };
        },
        async *watchScoring() {
          yield { scoring: { ...scoring, state: ScoringState.SCORED, report } };
        },
      },
    );
    const cwd = emptyFolder(t);
    writeFileSync(join(cwd, "cube.ply"), "a cube!");
    const args = ["score", "cube.ply", "a red cube"];
    const { code, stdout, stderr } = await runCommand(t, args, { address, cwd });
    assert.equal(code, 0, stderr);
    assert.equal(Buffer.concat(received).toString(), "a cube!");
    assert.match(stdout, /^score +0\.9300/m);
    assert.match(stdout, /^signature +verified/m);
  });
});

describe("report verify", () => {
  it("checks a report that was kept, its validator and its asset, without a server", async (t) => {
    const cwd = emptyFolder(t);
    const report = await signedReportOf("task-1");
    const changed = { ...report, score: 1 };
    writeFileSync(join(cwd, "good.json"), toJsonString(ScoreReportSchema, report));
    writeFileSync(join(cwd, "bad.json"), toJsonString(ScoreReportSchema, changed));
    writeFileSync(join(cwd, "other.ply"), "another asset");
    const verify = (...args: string[]) => runCommand(t, ["report", "verify", ...args], { cwd });
    const good = await verify("good.json", "--validator", report.validatorHotkey);
    assert.equal(good.code, 0, good.stderr);
    assert.match(good.stdout, /^verified {2}score 0\.9300/);
    const bad = await verify("bad.json", "--json");
    assert.equal(bad.code, 1);
    assert.equal(JSON.parse(bad.stdout).signature, "mismatch");
    const other = await verify("good.json", "--asset", "other.ply");
    assert.equal(other.code, 1);
    assert.match(other.stderr, /the report is of another asset/);
    assert.equal((await verify("other.ply")).code, 2);
  });
});

describe("view", () => {
  it("writes a page with the splats in it", async (t) => {
    const cwd = emptyFolder(t);
    writeFileSync(join(cwd, "<cube>.ply"), writePly(oneSplat));
    const { code, stdout, stderr } = await runCommand(t, ["view", "<cube>.ply"], { cwd });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^<cube>\.ply\.html .* 1 splats; open it in a browser\n$/);
    const page = readFileSync(join(cwd, "<cube>.ply.html"), "utf8");
    assert.match(page, /<title>&lt;cube>\.ply<\/title>/);
    const data = /id="splats">([^<]+)</.exec(page)?.[1] ?? assert.fail("no splats");
    const { positions } = readDotSplat(gunzipSync(Buffer.from(data, "base64")));
    assert.deepEqual(positions, oneSplat.positions);
    assert.doesNotMatch(page, /https?:\/\//, "nothing is loaded from elsewhere");
    assert.doesNotMatch(page, /\{\{/);
  });

  it("shows the result of a task", async (t) => {
    const bytes = writePly(oneSplat);
    const { address } = await startService(t, {
      downloadAsset: () => downloadOf(assetOf(bytes), bytes),
    });
    const id = "9cf378f6-2d32-4130-9493-4294910223b8";
    const { code, stdout, stderr } = await runCommand(t, ["view", id, "--json"], { address });
    assert.equal(code, 0, stderr);
    assert.deepEqual(JSON.parse(stdout).out, `${id}.html`);
  });
});

describe("admin", () => {
  it("shows and does what AdminService can", async (t) => {
    const asked: string[] = [];
    const { address } = await startAdminService(t, {
      getStatus: async () => ({
        ...{ rules: "seed", intake: Intake.OPEN, workers: 2, miners: 40 },
        ...{ role: CoordinatorRole.LEADING, name: "a" },
      }),
      listMiners: async () => ({
        miners: [{ hotkey: "5Miner", reward: 1.5 }],
        nextPageToken: "p2",
      }),
      replayDeadLetter: async ({ jobId }) => {
        asked.push(`replay ${jobId}`);
        return {};
      },
      drainWorker: async ({ workerId }) => {
        if (workerId !== "w-1") {
          throw new RpcError(statusCodes.NOT_FOUND, `no worker "${workerId}" is connected`);
        }
        asked.push(`drain ${workerId}`);
        return { state: WorkerState.DRAINING };
      },
      resumeWorker: async ({ workerId }) => {
        asked.push(`resume ${workerId}`);
        return { state: WorkerState.READY };
      },
      releaseWorker: async ({ workerId }) => {
        asked.push(`release ${workerId}`);
        return { state: WorkerState.READY };
      },
      listWorkers: async () => ({
        workers: [
          { id: "w-1", state: WorkerState.DRAINED },
          {
            ...{ id: "w-3", state: WorkerState.QUARANTINED },
            quarantine: { reason: "others agreed\nagainst it" },
          },
        ],
      }),
      createApiKey: async ({ name, scopes, callsPerMinute }) => {
        asked.push(`${name} ${scopes} ${callsPerMinute}`);
        return { key: { id: "k1", name }, secret: "k1.secret" };
      },
      setIntake: async ({ intake, reason }) => {
        asked.push(`${intake} ${reason}`);
        return { intake };
      },
      listApiKeys: async () => {
        throw new RpcError(statusCodes.PERMISSION_DENIED, "the key has not the scope admin");
      },
    });
    const admin = (...args: string[]) => runCommand(t, ["admin", ...args], { address });
    const status = await admin("status");
    assert.equal(status.code, 0, status.stderr);
    assert.match(status.stdout, /^role +leading as a$/m);
    assert.match(status.stdout, /^intake +open$/m);
    const miners = await admin("miners", "--limit", "1");
    assert.match(miners.stdout, /^5Miner \(not registered\) +1\.50/m);
    assert.match(miners.stderr, /^more: turntable admin miners --page-token p2$/m);
    assert.equal((await admin("dead-letters", "replay", "job-1")).code, 0);
    const draining = await admin("workers", "drain", "w-1");
    assert.equal(draining.stdout, "w-1 is draining\n", draining.stderr);
    const resumed = await admin("workers", "resume", "w-1", "--json");
    assert.deepEqual(JSON.parse(resumed.stdout), { state: "WORKER_STATE_READY" });
    const { stdout: listed } = await admin("workers");
    assert.match(listed, /^w-1 +drained +0 /m);
    assert.match(listed, /^w-3 +quarantined +0 /m);
    assert.match(listed, /^w-3 is quarantined since .*: others agreed.*against it$/m);
    assert.equal((await admin("workers", "release", "w-3")).stdout, "w-3 is ready\n");
    const nobody = await admin("workers", "drain", "w-2");
    assert.equal(nobody.code, 1);
    assert.match(nobody.stderr, /no worker "w-2" is connected/);
    assert.equal((await admin("workers", "drain")).code, 2);
    const scopes = ["--scope", "score", "--scope", "admin"];
    const key = await admin("keys", "create", "alice", ...scopes, "--rate", "60");
    assert.equal(key.stdout, "k1.secret\n", "alone, for a file");
    assert.match(key.stderr, /keep the secret/);
    assert.equal((await admin("intake", "drain", "--reason", "a new disk")).code, 0);
    assert.deepEqual(asked, [
      "replay job-1",
      "drain w-1",
      "resume w-1",
      "release w-3",
      `alice ${ApiKeyScope.SCORE},${ApiKeyScope.ADMIN} 60`,
      `${Intake.DRAINING} a new disk`,
    ]);
    const refused = await admin("keys");
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /the key has not the scope admin; the operator gives keys/);
    assert.equal((await admin("intake", "shut")).code, 2);
  });
});

describe("completion", () => {
  it("makes bash know verbs, verbs of verbs and options", async (t) => {
    const { stdout } = await runCommand(t, ["completion", "bash"]);
    const complete = (...words: string[]) => {
      const program = `${stdout}\nCOMP_WORDS=(turntable ${words.map((w) => `'${w}'`).join(" ")})
COMP_CWORD=${words.length}\n_turntable\necho "\${COMPREPLY[@]}"`;
      return spawnSync("bash", ["-c", program], { encoding: "utf8" }).stdout.trim();
    };
    assert.equal(complete("ge"), "generate");
    assert.equal(complete("admin", "ke"), "keys");
    assert.equal(complete("admin", "keys", "rev"), "revoke");
    assert.equal(complete("generate", "--par"), "--parallel");
    assert.equal(complete("report", "--val"), "--validator");
  });

  const isHere = (shell: string) => spawnSync(shell, ["--version"]).status === 0;

  it("makes zsh know them, through its emulation of bash's completion", {
    skip: isHere("zsh") ? false : "zsh is not here",
  }, async (t) => {
    const { stdout } = await runCommand(t, ["completion", "zsh"]);
    // As zsh's `compgen -F` calls a function of bash; zsh itself keeps what fits the word that was begun.
    const complete = (...words: string[]) => {
      const program = `${stdout}\nask() { emulate -L sh; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_turntable; echo "\${COMPREPLY[@]}"; }\nask turntable ${words.join(" ")}`;
      const env = { ...process.env, HOME: emptyFolder(t) };
      const ran = spawnSync("zsh", ["-f", "-c", program], { encoding: "utf8", env });
      assert.equal(ran.status, 0, ran.stderr);
      return ran.stdout.trim().split(" ");
    };
    assert.ok(complete("ge").includes("generate"));
    assert.deepEqual(complete("admin", "keys", "rev").slice(0, 3), ["list", "create", "revoke"]);
    assert.ok(complete("generate", "--par").includes("--parallel"));
    assert.ok(!complete("report", "--par").includes("--parallel"));
  });

  it("makes fish know them, and what they are for", {
    skip: isHere("fish") ? false : "fish is not here",
  }, async (t) => {
    const { stdout } = await runCommand(t, ["completion", "fish"]);
    const complete = (line: string) => {
      const env = { ...process.env, HOME: emptyFolder(t) };
      const argv = ["--no-config", "-c", `${stdout}\ncomplete -C 'turntable ${line}'`];
      const ran = spawnSync("fish", argv, { encoding: "utf8", env });
      assert.equal(ran.status, 0, ran.stderr);
      return ran.stdout.trim();
    };
    assert.match(complete("ge"), /^generate\tmake an asset/);
    assert.match(complete("admin keys rev"), /^revoke\tend one/);
    assert.match(complete("generate --par"), /^--parallel\tso many at one time/);
  });
});
