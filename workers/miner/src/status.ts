/** `turntable-miner status`: how a miner stands with each validator, from its own records, running or not. */
import { setTimeout as wait } from "node:timers/promises";
import { type ConfigDefinition, hostAndPort } from "@turntable/process";
import { z } from "zod";
import { runCommand } from "./command.ts";
import { minerConfig } from "./config.ts";
import { type MinerStanding, readStanding } from "./store/index.ts";

const schema = z.object({
  dataDir: minerConfig.schema.shape.dataDir.describe("the miner's folder"),
  watch: z.boolean().default(false).describe("show it again and again, until Ctrl-C"),
  json: z.boolean().default(false).describe("as JSON, one line each time"),
  everyMs: z.number().int().min(100).max(3_600_000).default(2_000).describe("pause of --watch"),
});

const statusConfig: ConfigDefinition<typeof schema> = {
  command: "turntable-miner status",
  summary: "shows what each validator said of the miner's tasks, and how its endpoints do",
  schema,
};

/** @returns the exit status */
export function runStatus(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  return runCommand(statusConfig, argv, env, async (config) => {
    const stop = new AbortController();
    process.once("SIGINT", () => stop.abort());
    const clear = config.watch && !config.json && process.stdout.isTTY ? "\u001b[2J\u001b[H" : "";
    do {
      const now = Date.now();
      const standing = readStanding(config.dataDir, now);
      const text = config.json ? `${JSON.stringify(standing)}\n` : describeStanding(standing, now);
      process.stdout.write(`${clear}${text}`);
      if (config.watch) {
        await wait(config.everyMs, undefined, { signal: stop.signal }).catch(() => undefined);
      }
    } while (config.watch && !stop.signal.aborted);
    return 0;
  });
}

/** @param now ms since 1970 UTC */
export function describeStanding({ validators, endpoints }: MinerStanding, now: number): string {
  const validatorRows = validators.map((v) => [
    `${v.hotkey.slice(0, 8)}… ${hostAndPort(v.ip, v.port)}`,
    v.unfinished > 0 ? `${v.tasks} +${v.unfinished}` : `${v.tasks}`,
    v.tasks === 0 ? "-" : `${v.accepted} (${Math.round((100 * v.accepted) / v.tasks)} %)`,
    v.average?.toFixed(3) ?? "-",
    v.reward?.toFixed(3) ?? "-",
    v.askAt > now ? `${Math.ceil((v.askAt - now) / 1000)} s` : "-",
    secondsOf(v.generateMs?.p50),
    secondsOf(v.generateMs?.p95),
  ]);
  const reasons = validators.flatMap((v) => [
    ...(v.failure === "" ? [] : [`${v.hotkey.slice(0, 8)}… gives no task: ${v.failure}`]),
    ...v.lastReasons.map((reason) => `${v.hotkey.slice(0, 8)}… ${reason}`),
  ]);
  const endpointRows = endpoints.map((e) => [
    e.endpoint,
    `${e.tries}`,
    `${e.failures}`,
    secondsOf(e.generateMs?.p50),
    secondsOf(e.generateMs?.p95),
    e.lastFailure,
  ]);
  const times = ["p50", "p95"];
  const heading = ["validator", "tasks", "accepted", "average", "reward", "cooldown", ...times];
  const parts = [
    validators.length === 0 ? "no validator was asked yet\n" : table([heading, ...validatorRows]),
    reasons.length === 0 ? "" : `last reasons\n${reasons.map((line) => `  ${line}\n`).join("")}`,
    endpoints.length === 0
      ? ""
      : table([
          ["endpoint, last 24 hours", "tries", "failures", ...times, "last failure"],
          ...endpointRows,
        ]),
  ];
  return parts.filter((part) => part !== "").join("\n");
}

function secondsOf(ms: number | undefined): string {
  return ms === undefined ? "-" : `${(ms / 1000).toFixed(1)} s`;
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length)),
  );
  const lines = rows.map((row) =>
    row.map((text, column) => text.padEnd(widths[column] ?? 0)).join("  "),
  );
  return lines.map((line) => `${line.trimEnd()}\n`).join("");
}
