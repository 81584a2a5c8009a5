/**
 * Every program of the project at work, for as long as the argument says after all of them are ready (ms): run by a test
 * that watches whom they and what they start connect to.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { generate } from "@turntable/generation";
import { writePly } from "@turntable/splat";
import { startProcess } from "../harness/process.ts";
import { startSubnet } from "./subnet.ts";

const watchedMs = Number(process.argv[2]);
const bin = new URL("../../node_modules/.bin/", import.meta.url).pathname;
const run = promisify(execFile);

const directory = await mkdtemp(join(tmpdir(), "turntable-everything-"));
try {
  const asset = join(directory, "cube.ply");
  await writeFile(asset, writePly(generate({ prompt: "a red cube" }).splat));
  await using subnet = await startSubnet();
  await using serve = startProcess("turntable-worker", ["serve", "--http-port", "0"]);
  const ports = ["--grpc-port", "0", "--axon-port", "0", "--http-port", "0"];
  await using local = startProcess("node", [
    ...["local-subnet/main.ts", "--dir", join(directory, "local"), ...ports],
  ]);
  const [worker, miner] = await Promise.all([
    subnet.startWorker(),
    subnet.startMiner(),
    serve.logged(({ msg }) => msg === "ready"),
    local.printed("Ctrl-C stops everything."),
  ]);
  const watched = sleep(watchedMs);
  const server = ["--server", subnet.grpcAddress];
  const onCpu = ["--backend", "cpu"];
  for (const [program, ...argv] of [
    ["turntable", "generate", "a red cube", "--out", join(directory, "out.ply"), ...server],
    ["turntable-worker", "score", asset, "--prompt", "a red cube", ...onCpu],
    ["turntable-worker", "render", asset, "--out", join(directory, "pictures"), ...onCpu],
    ["turntable-worker", "models", "check", "resources/models/turntable-small"],
  ] as const) {
    await run(join(bin, program), argv);
  }
  await watched;
  // In order: some report when they end.
  await Promise.all([worker, miner, serve, local].map((program) => program.stop()));
} finally {
  await rm(directory, { recursive: true });
}
