/**
 * `npm run test:market`: the market as a user starts it, until the weights on the chain put the good miner before the poor
 * one and that before the cheat; fails when that takes longer than five minutes.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const patienceMs = 300_000;
const root = new URL("../..", import.meta.url).pathname;

const dir = await mkdtemp(join(tmpdir(), "turntable-market-"));
const ports = ["--axon-port", "--grpc-port", "--http-port"].flatMap((flag) => [flag, "0"]);
const startedAt = Date.now();
const child = spawn(
  "npm",
  ["start", "--", "--dir", dir, "--miners", "3", "--demo-market", "--prompt", "", ...ports],
  { cwd: root, stdio: ["ignore", "pipe", "inherit"] },
);
const ended = once(child, "close");
const patience = setTimeout(() => child.kill("SIGTERM"), patienceMs);
const weights = new Map<string, number>();
const rewards = new Map<string, number>();
let isRight = false;
for await (const line of createInterface(child.stdout)) {
  process.stdout.write(`${line}\n`);
  const found = /miner \d+, (\w+) .* reward ([\d.]+), weight ([\d.]+) %/.exec(line);
  if (found !== null) {
    rewards.set(found[1] ?? "", Number(found[2]));
    weights.set(found[1] ?? "", Number(found[3]));
  }
  const falls = (of: ReadonlyMap<string, number>): boolean => {
    const [good = 0, poor = 0, cheat = 0] = ["good", "poor", "cheat"].map((role) => of.get(role));
    return good > poor && poor > cheat;
  };
  if (!isRight && weights.size === 3 && falls(weights) && falls(rewards)) {
    isRight = true;
    const seconds = Math.round((Date.now() - startedAt) / 1000);
    process.stdout.write(`\nIn the right order after ${seconds} s.\n`);
    child.kill("SIGTERM");
  }
}
await ended;
clearTimeout(patience);
await rm(dir, { recursive: true, force: true });
process.exitCode = isRight ? 0 : 1;
