/** The command as users run it: a process of its own against a service on loopback. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { status } from "@grpc/grpc-js";
import { keypairFromUri, ready } from "@turntable/bittensor/keys";
import { type Asset, AssignmentState, TaskState } from "@turntable/proto";
import { RpcError } from "@turntable/proto/rpc";
import { readAsset, type Splat, writePly } from "@turntable/splat";
import {
  assetOf,
  callerGone,
  downloadOf,
  eventsAfter,
  signedAsset,
  signedReportOf,
  startService,
  succeedingService,
  successfulEvents,
  type TestHandlers,
  taskOf,
} from "../../test/service.ts";

const bytes = randomBytes(5_500);
/** Values that every format keeps exactly. */
const oneSplat: Splat = {
  count: 1,
  shDegree: 0,
  positions: Float32Array.of(0.5, -0.25, 1),
  scales: Float32Array.of(-4, -4, -4),
  rotations: Float32Array.of(1, 0, 0, 0),
  opacities: Float32Array.of(Infinity),
  shDc: new Float32Array(3),
  shRest: new Float32Array(0),
};

import { formatBytes } from "./text.ts";

const command = fileURLToPath(new URL("../../bin/turntable", import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

interface Running {
  readonly ended: Promise<Ended>;
  /** Resolves when the text has appeared on standard error. */
  says(text: string): Promise<void>;
  signal(name: NodeJS.Signals): void;
}

function workDir(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "turntable-cli-"));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

function start(
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: Record<string, string> },
): Running {
  const { TURNTABLE_SERVER, TURNTABLE_API_KEY_FILE, ...env } = process.env;
  const child = spawn(command, args, { cwd: options.cwd, env: { ...env, ...options.env } });
  const chunks: Buffer[] = [];
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve) => {
    child.on("close", (code) => resolve({ code, stdout: Buffer.concat(chunks), stderr }));
  });
  return {
    ended,
    signal: (name) => void child.kill(name),
    says: (text) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (stderr.includes(text)) {
            resolve();
          }
        };
        child.stderr.on("data", look);
        look();
        void ended.then(() => reject(new Error(`it ended without saying "${text}": ${stderr}`)));
      }),
  };
}

/** Runs the command in an empty directory with the service's address in the environment. */
async function run(
  t: TestContext,
  handlers: TestHandlers,
  args: readonly string[],
): Promise<Ended & { readonly cwd: string }> {
  const service = await startService(t, handlers);
  const cwd = workDir(t);
  const ended = await start(args, { cwd, env: { TURNTABLE_SERVER: service.address } }).ended;
  return { ...ended, cwd };
}

describe("turntable", () => {
  let asset: Asset;
  before(async () => {
    await ready();
    asset = signedAsset(bytes, keypairFromUri("//Alice"));
  });

  describe("generate", () => {
    it("shows the progress, writes the asset and says that it is verified", async (t) => {
      const { code, stdout, stderr, cwd } = await run(t, succeedingService(bytes, asset), [
        "generate",
        "a red cube",
        "--out",
        "cube.ply",
      ]);
      assert.equal(code, 0, stderr);
      assert.deepEqual(readFileSync(join(cwd, "cube.ply")), bytes);
      assert.deepEqual(readdirSync(cwd), ["cube.ply"], "no temporary file is left");
      assert.deepEqual(stderr.trimEnd().split("\n"), [
        "task task-1",
        "queued, waiting for a miner",
        "assigned to miner 5Grwva…utQY",
        "scoring the asset of miner 5Grwva…utQY",
        "accepted 0.93",
        "downloading",
      ]);
      assert.equal(
        stdout.toString(),
        "cube.ply  5.5 kB  PLY  score 0.93  miner 5Grwva…utQY  signature verified (2024 form)\n",
      );
    });

    it("says of each score that a demonstration model gave it", async (t) => {
      const made: Asset = { ...asset, demonstration: true };
      const watchTask: TestHandlers["watchTask"] = ({ afterSequence }) =>
        eventsAfter(
          successfulEvents.map((event) => ({ ...event, demonstration: event.score !== undefined })),
          afterSequence,
        );
      const { stdout, stderr } = await run(t, { ...succeedingService(bytes, made), watchTask }, [
        "generate",
        "a red cube",
      ]);
      assert.match(stdout.toString(), / score 0\.93 \(demonstration model\) /);
      assert.match(stderr, /^accepted 0\.93 \(demonstration model\)$/m);
    });

    it("prints JSON for programs", async (t) => {
      const { code, stdout } = await run(t, succeedingService(bytes, asset), [
        "generate",
        "a red cube",
        "--json",
      ]);
      assert.equal(code, 0);
      const made: unknown = JSON.parse(stdout.toString());
      assert.deepEqual(made, {
        taskId: "task-1",
        out: "task-1.ply",
        sizeBytes: 5_500,
        sha256: Buffer.from(asset.sha256).toString("hex"),
        format: "ply",
        compression: 0,
        score: 0.93,
        demonstration: false,
        prompt: "a red cube",
        minerHotkey: asset.minerHotkey,
        validatorHotkey: asset.validatorHotkey,
        submitTimeNs: "1700000000123456789",
        signature: "verified",
      });
    });

    it("writes the asset alone to standard output with --out -", async (t) => {
      const { code, stdout, stderr } = await run(t, succeedingService(bytes, asset), [
        "generate",
        "a red cube",
        "--out",
        "-",
      ]);
      assert.equal(code, 0, stderr);
      assert.deepEqual(stdout, bytes);
      assert.match(stderr, /signature verified/);
    });

    it("replaces an existing file, and leaves it alone when the download is damaged", async (t) => {
      const service = await startService(t, {
        ...succeedingService(bytes, asset),
        downloadAsset: () => downloadOf(asset, bytes.subarray(1)),
      });
      const cwd = workDir(t);
      writeFileSync(join(cwd, "cube.ply"), "old");
      const args = ["--server", service.address, "--out", "cube.ply"];
      const damaged = await start(["generate", "a red cube", ...args], { cwd }).ended;
      assert.equal(damaged.code, 1);
      assert.match(damaged.stderr, /arrived damaged.*turntable download task-1/);
      assert.equal(readFileSync(join(cwd, "cube.ply"), "utf8"), "old");
      service.stop();
      const mended = await startService(t, succeedingService(bytes, asset));
      const again = ["download", "task-1", "--server", mended.address, "--out", "cube.ply"];
      assert.equal((await start(again, { cwd }).ended).code, 0);
      assert.deepEqual(readFileSync(join(cwd, "cube.ply")), bytes);
    });

    it("says why a task failed", async (t) => {
      const { code, stderr } = await run(
        t,
        {
          createTask: async () => ({ task: taskOf("task-1") }),
          watchTask: ({ afterSequence }) =>
            eventsAfter([{ sequence: 1n, kind: "failed", state: TaskState.FAILED }], afterSequence),
          getTask: async () => ({
            task: {
              id: "task-1",
              state: TaskState.FAILED,
              failure: { code: "expired", message: "no accepted result within 600 s" },
            },
          }),
        },
        ["generate", "a red cube"],
      );
      assert.equal(code, 1);
      assert.match(stderr, /^turntable: task task-1 failed: no accepted result within 600 s/m);
    });

    it("stops waiting at --timeout and tells how to go on", async (t) => {
      const { code, stderr } = await run(t, waiting(), [
        "generate",
        "a red cube",
        "--timeout",
        "1s",
      ]);
      assert.equal(code, 1);
      assert.match(stderr, /the task goes on, to follow it: turntable watch task-1/);
    });

    it("ends with 130 on Ctrl-C and tells how to go on", async (t) => {
      const service = await startService(t, waiting());
      const cwd = workDir(t);
      const running = start(["generate", "a red cube", "--server", service.address], { cwd });
      await running.says("assigned to miner");
      running.signal("SIGINT");
      const { code, stderr } = await running.ended;
      assert.equal(code, 130);
      assert.match(stderr, /turntable watch task-1\n$/);
    });
  });

  describe("watch", () => {
    it("prints every change, then how to get the asset", async (t) => {
      const { code, stdout, stderr } = await run(t, succeedingService(bytes), ["watch", "task-1"]);
      assert.equal(code, 0);
      assert.deepEqual(stdout.toString().trimEnd().split("\n"), [
        "queued, waiting for a miner",
        "assigned to miner 5Grwva…utQY",
        "scoring the asset of miner 5Grwva…utQY",
        "accepted 0.93",
        "succeeded 0.93",
      ]);
      assert.match(stderr, /turntable download task-1 --out FILE/);
    });

    it("prints a JSON object a line", async (t) => {
      const { stdout } = await run(t, succeedingService(bytes), ["watch", "task-1", "--json"]);
      const kinds = stdout
        .toString()
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line).kind);
      assert.deepEqual(kinds, ["created", "assigned", "submitted", "accepted", "succeeded"]);
    });
  });

  describe("download", () => {
    it("converts to what --out ends in, and says so", async (t) => {
      const ply = writePly(oneSplat);
      for (const [name, readHdf5] of [
        ["cube.spz", undefined],
        ["cube.h5", (await import("@turntable/splat/hdf5")).readHdf5],
      ] as const) {
        const { code, stdout, stderr, cwd } = await run(t, succeedingService(ply), [
          ...["download", "task-1", "--out", name],
        ]);
        assert.equal(code, 0, stderr);
        assert.match(stderr, /^converted from PLY; --raw keeps/m);
        const written = readFileSync(join(cwd, name));
        const format = name.split(".").at(-1)?.toUpperCase();
        const told = `${name}  ${formatBytes(written.length)}  ${format}  `;
        assert.equal(String(stdout).slice(0, told.length), told);
        const splat = await readAsset(written, readHdf5 === undefined ? {} : { readHdf5 });
        assert.deepEqual(splat.positions, oneSplat.positions);
      }
    });

    it("says when the asset cannot be converted, and writes nothing", async (t) => {
      const { code, stderr, cwd } = await run(t, succeedingService(bytes), [
        ...["download", "task-1", "--out", "cube.spz"],
      ]);
      assert.equal(code, 1);
      assert.match(stderr, /cannot be made \.spz: .*--raw keeps the bytes/);
      assert.deepEqual(readdirSync(cwd), []);
    });

    it("warns when the signature cannot be verified", async (t) => {
      const unsigned = assetOf(bytes);
      const { code, stdout, stderr, cwd } = await run(t, succeedingService(bytes, unsigned), [
        "download",
        "task-1",
        "--out",
        "cube.spz",
        "--raw",
      ]);
      assert.equal(code, 0);
      assert.match(stderr, /^warning: the miner's signature is not of the 2024 form/m);
      assert.match(stderr, /^note: the bytes are PLY, whatever the name cube.spz says/m);
      assert.match(stdout.toString(), /signature NOT verified\n$/);
      assert.deepEqual(readFileSync(join(cwd, "cube.spz")), bytes);
    });

    it("says what is in the way of the file", async (t) => {
      const { code, stderr } = await run(t, succeedingService(bytes, asset), [
        "download",
        "task-1",
        "--out",
        "missing/cube.ply",
      ]);
      assert.equal(code, 1);
      assert.match(stderr, /^turntable: .*ENOENT.*missing/m);
    });
  });

  describe("report", () => {
    it("names score, model, renderer, times and all 36 views", async (t) => {
      const { code, stdout } = await run(t, succeedingService(bytes), ["report", "task-1"]);
      const text = stdout.toString();
      assert.equal(code, 0);
      assert.match(text, /^score +0\.9300 \(of 36 views, 25 % of them below 0\.6\)$/m);
      assert.match(text, /^signature +verified/m);
      assert.match(text, /^lint +error flat: 0\.01 is the smallest extent/m);
      assert.match(text, /^fidelity +1\.00$/m);
      assert.match(text, /^model +tiny-colours \(sha256 (ab){32}\)$/m);
      assert.match(text, /a demonstration model/);
      assert.match(text, /^renderer +cpu 0\.1\.0$/m);
      assert.match(text, /^time +870 ms: fetch 1 ms, decode 12 ms, render 640 ms, score 210 ms$/m);
      assert.match(text, /^ +35 +350\.0 +-20\.00 +0\.9500 {2}█$/m);
      assert.equal(text.match(/^ +\d+ +\d+\.\d +-\d+\.\d\d /gm)?.length, 36);
    });

    it("prints the message as JSON", async (t) => {
      const { stdout } = await run(t, succeedingService(bytes), ["report", "task-1", "--json"]);
      const report = JSON.parse(stdout.toString());
      assert.equal(report.views.length, 36);
      assert.equal(report.cameraSeed, "77");
    });

    it("fails when nobody vouches for what it says, and says so", async (t) => {
      const signed = await signedReportOf("task-1");
      const cases = [
        [{ ...signed, score: 1 }, [], /not that of 5\w+ over what it says/],
        [{ ...signed, signature: new Uint8Array() }, [], /nobody signed it/],
        [signed, ["--validator", "5Other"], /names the validator 5\w+, not 5Other/],
      ] as const;
      for (const [report, options, reason] of cases) {
        const handlers: TestHandlers = { getReport: async () => ({ report }) };
        const { code, stdout, stderr } = await run(t, handlers, ["report", "task-1", ...options]);
        assert.equal(code, 1);
        assert.match(stdout.toString(), /^signature +NOT VERIFIED$/m);
        assert.match(stderr, /^turntable: do not rely on this report: /m);
        assert.match(stderr, reason);
      }
    });

    it("gives the server's reason when there is none", async (t) => {
      const { code, stderr } = await run(
        t,
        {
          async getReport() {
            throw new RpcError(status.FAILED_PRECONDITION, "task task-1 is scoring\u001b[2J");
          },
        },
        ["report", "task-1"],
      );
      assert.equal(code, 1);
      assert.equal(stderr, "turntable: task task-1 is scoring\\u{1b}[2J\n");
    });
  });

  describe("tasks", () => {
    const listTasks: TestHandlers["listTasks"] = async ({ pageToken }) =>
      pageToken === ""
        ? {
            tasks: [
              taskOf("task-2", {
                prompt: `a "red" cube \u001b[31m${"x".repeat(90)}`,
                state: TaskState.QUEUED,
                assignments: [],
              }),
              taskOf("task-1", { asset: assetOf(bytes) }),
            ],
            nextPageToken: "p2",
          }
        : { tasks: [] };

    it("prints a table and how to see more", async (t) => {
      const { code, stdout, stderr } = await run(t, { listTasks }, ["tasks", "--limit", "2"]);
      assert.equal(code, 0);
      const lines = stdout.toString().split("\n");
      assert.match(lines[0] ?? "", /^TASK +STATE +SCORE +MINER +AGE +PROMPT$/);
      assert.match(lines[1] ?? "", /^task-2 +queued +\d+ d +a "red" cube \\u\{1b\}\[31mx+…$/);
      assert.match(lines[2] ?? "", /^task-1 +succeeded +0\.93 +5Grwva…utQY +\d+ d +a red cube$/);
      assert.equal(stderr, "more: turntable tasks --limit 2 --page-token p2\n");
    });

    it("marks the scores of a demonstration model, also where nothing was accepted", async (t) => {
      const rejected = { state: AssignmentState.REJECTED, score: 0.31, demonstration: true };
      const tasks = [
        taskOf("task-3", { asset: assetOf(bytes, { demonstration: true }) }),
        { id: "task-2", assignments: [rejected] },
        taskOf("task-1", { asset: assetOf(bytes) }),
      ];
      const { stdout, stderr } = await run(t, { listTasks: async () => ({ tasks }) }, ["tasks"]);
      const [, ...scores] = stdout.toString().split("\n");
      assert.deepEqual(
        scores.map((line) => /0\.\d+\*?/.exec(line)?.[0]),
        ["0.93*", "0.31*", "0.93", undefined],
      );
      assert.match(stderr, /^\* by a demonstration model: it knows few words/);
    });

    it("prints a page as JSON", async (t) => {
      const { stdout } = await run(t, { listTasks }, ["tasks", "--json"]);
      const page = JSON.parse(stdout.toString());
      assert.deepEqual(
        page.tasks.map((task: { id: string }) => task.id),
        ["task-2", "task-1"],
      );
      assert.equal(page.nextPageToken, "p2");
    });
  });

  describe("finding and entering the server", () => {
    it("reads the local subnet's addresses and the API key's file", async (t) => {
      const service = await startService(t, succeedingService(bytes));
      const cwd = workDir(t);
      mkdirSync(join(cwd, ".turntable"));
      writeFileSync(
        join(cwd, ".turntable/addresses.json"),
        JSON.stringify({ grpc: service.address, http: "127.0.0.1:1", axon: { port: 1 } }),
      );
      writeFileSync(join(cwd, "key"), "key-1\n");
      const { code, stderr } = await start(["watch", "task-1"], {
        cwd,
        env: { TURNTABLE_API_KEY_FILE: "key" },
      }).ended;
      assert.equal(code, 0, stderr);
      assert.deepEqual(service.calls[0]?.headers.get("authorization"), "Bearer key-1");
    });

    it("says that nobody answers, where it looked, and what to do", async (t) => {
      const service = await startService(t, {});
      service.stop();
      const cwd = workDir(t);
      const env = { TURNTABLE_SERVER: service.address };
      const { code, stderr } = await start(["tasks"], { cwd, env }).ended;
      assert.equal(code, 1);
      assert.match(
        stderr,
        /no answer from 127\.0\.0\.1:\d+ \(from TURNTABLE_SERVER\): connect ECONNREFUSED/,
      );
      assert.match(stderr, /npm start/);
    });

    it("asks for a key when the server does", async (t) => {
      const { code, stderr } = await run(
        t,
        {
          async listTasks() {
            throw new RpcError(status.UNAUTHENTICATED, "an API key is needed");
          },
        },
        ["tasks"],
      );
      assert.equal(code, 1);
      assert.equal(
        stderr,
        "turntable: an API key is needed; give a valid API key with --api-key-file FILE\n",
      );
    });
  });

  it("refuses wrong usage with status 2 and the right usage", async (t) => {
    const cwd = workDir(t);
    writeFileSync(join(cwd, "empty"), "");
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [["taks"], /there is no verb "taks"; there are generate, /],
      [["generate"], /PROMPT is missing: turntable generate PROMPT/],
      [
        ["generate", "a", "cube"],
        /too many arguments \("cube"\); put a text of several words in quotes/,
      ],
      [["report", "x", "--jsn"], /--jsn.*; see turntable report --help/],
      [["generate", "x", "--timeout", "soon"], /--timeout soon: give a time such as 90s/],
      [["tasks", "--limit", "0"], /--limit 0: give a whole number from 1 to 500/],
      [["tasks", "--server", "http://x"], /is no address: give host and port/],
      [["tasks", "--api-key-file", "missing"], /cannot read the API key: ENOENT/],
      [["tasks", "--api-key-file", "empty"], /the API key is empty/],
    ];
    for (const [args, message] of cases) {
      const { code, stdout, stderr } = await start(args, { cwd }).ended;
      assert.equal(code, 2, `${args}: ${stderr}`);
      assert.match(stderr, message);
      assert.equal(stdout.length, 0);
    }
  });

  it("explains itself and every verb", async (t) => {
    const cwd = workDir(t);
    const general = await start([], { cwd }).ended;
    assert.equal(general.code, 0);
    for (const verb of ["generate", "watch", "download", "report", "tasks"]) {
      assert.match(general.stdout.toString(), new RegExp(`^  turntable ${verb} `, "m"));
      const help = await start([verb, "--help"], { cwd }).ended;
      assert.equal(help.code, 0);
      assert.match(help.stdout.toString(), new RegExp(`^Usage: turntable ${verb}`, "m"));
    }
  });
});

/** A task that a miner has and keeps. */
function waiting(): TestHandlers {
  return {
    createTask: async () => ({ task: taskOf("task-1") }),
    async *watchTask(_request, context) {
      yield* successfulEvents.slice(0, 2);
      await callerGone(context);
    },
  };
}
