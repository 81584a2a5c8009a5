/** The command as users run it, in an empty folder. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";

const command = fileURLToPath(new URL("../bin/turntable", import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Where it ran. */
  readonly cwd: string;
}

export interface RunOptions {
  /** Of the API and of the admin port. */
  readonly address?: string;
  readonly cwd?: string;
  /** For its standard input. */
  readonly input?: string;
  /** Killed when it resolves. */
  readonly killed?: Promise<unknown>;
}

export async function runCommand(
  t: TestContext,
  args: readonly string[],
  { address = "127.0.0.1:1", cwd = emptyFolder(t), input = "", killed }: RunOptions = {},
): Promise<Ended> {
  const { TURNTABLE_API_KEY_FILE, ...env } = process.env;
  const servers = { TURNTABLE_SERVER: address, TURNTABLE_ADMIN_SERVER: address };
  const child = spawn(command, args, { cwd, env: { ...env, ...servers } });
  child.stdin.end(input);
  void killed?.then(() => child.kill("SIGKILL"));
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, stdout, stderr, cwd };
}

/** Removed after the test. */
export function emptyFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "turntable-cli-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}
