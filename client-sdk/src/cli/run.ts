/** From the command line to an exit status: 0 done, 1 failed, 2 wrong usage, 128 + signal when interrupted. */
import { constants } from "node:os";
import { CommanderError } from "commander";
import { InvalidOptionError } from "../errors.ts";
import type { Run } from "./context.ts";
import { explain } from "./explain.ts";
import { createOutput } from "./output.ts";
import { createProgram } from "./program.ts";
import { UsageError } from "./usage.ts";

class Interrupted extends Error {
  override name = "Interrupted";
  readonly signalName: "SIGINT" | "SIGTERM";
  constructor(signalName: "SIGINT" | "SIGTERM") {
    super("interrupted");
    this.signalName = signalName;
  }
}

/** Runs one command and sets `process.exitCode`. */
export async function runCli(argv: readonly string[]): Promise<void> {
  const output = createOutput(process.stdout, process.stderr);
  // A reader that closed our output early, such as `head`, has all that it wanted.
  process.stdout.on("error", () => undefined);
  process.stderr.on("error", () => undefined);
  const run: Run = {
    output,
    signal: interruption(),
    json: argv.includes("--json"),
    server: undefined,
    suggestion: undefined,
  };
  const program = createProgram(run, (text) => void process.stdout.write(text));
  try {
    await program.parseAsync(wordsOf(argv), { from: "user" });
  } catch (error) {
    report(error, run);
  } finally {
    output.endProgress();
  }
}

/** `turntable` and `turntable help VERB` are other ways to ask for help. */
function wordsOf(argv: readonly string[]): string[] {
  const [first, ...rest] = argv;
  return first === undefined || first === "help" ? [...rest, "--help"] : [first, ...rest];
}

/** Aborted by the first Ctrl-C; a second one ends the process at once, as always. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.once(name, () => controller.abort(new Interrupted(name)));
  }
  return controller.signal;
}

function report(error: unknown, { json, output, server, suggestion }: Run): void {
  if (error instanceof CommanderError && error.exitCode === 0) {
    return; // help or version was asked for
  }
  if (error instanceof Interrupted) {
    if (suggestion !== undefined) {
      output.note(`the task goes on; to follow it: ${suggestion}`);
    }
    process.exitCode = 128 + constants.signals[error.signalName];
    return;
  }
  if (isErrno(error) && error.code === "EPIPE") {
    return;
  }
  const message = explain(error, server, suggestion);
  output.note(
    json ? JSON.stringify({ error: { code: codeOf(error), message } }) : `turntable: ${message}`,
  );
  process.exitCode = error instanceof UsageError || error instanceof InvalidOptionError ? 2 : 1;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "error";
}

function isErrno(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "code" in error && "syscall" in error;
}
