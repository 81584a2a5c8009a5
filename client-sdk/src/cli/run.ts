/** From the command line to an exit status: 0 done, 1 failed, 2 wrong usage, 128 + signal when interrupted. */
import { constants } from "node:os";
import { createTurntableClient } from "../client.ts";
import {
  CallFailedError,
  CorruptDownloadError,
  InvalidOptionError,
  TaskFailedError,
} from "../errors.ts";
import { generalHelp, parseArguments, UsageError, verbHelp } from "./arguments.ts";
import { loadServerConfig, type ServerConfig, systemSources } from "./config.ts";
import { downloadVerb } from "./download.ts";
import { generateVerb } from "./generate.ts";
import { createOutput, type Output } from "./output.ts";
import { reportVerb } from "./report.ts";
import { tasksVerb } from "./tasks.ts";
import { printable } from "./text.ts";
import type { Verb } from "./verb.ts";
import { watchVerb } from "./watch.ts";

const verbs: readonly Verb[] = [generateVerb, watchVerb, downloadVerb, reportVerb, tasksVerb];

/** A person waits, and most likely named the wrong server. */
const connectPatienceMs = 3_000;

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
  let server: ServerConfig | undefined;
  let suggestion: string | undefined;
  try {
    const [name = "--help", ...rest] = argv;
    if (name === "--help" || name === "-h" || name === "help") {
      return await output.write(generalHelp(verbs));
    }
    const verb = verbs.find((candidate) => candidate.name === name);
    if (verb === undefined) {
      throw new UsageError(
        `there is no verb "${printable(name)}"; there are ${verbs.map((v) => v.name).join(", ")}; see turntable --help`,
      );
    }
    const args = parseArguments(verb, rest);
    if (args.flag("help")) {
      return await output.write(verbHelp(verb));
    }
    server = loadServerConfig(args, systemSources);
    using client = createTurntableClient({
      ...server.connection,
      retry: { connectPatienceMs },
      onRetry: ({ error }) => output.progress(`waiting for the server (${error.details})`),
    });
    const suggest = (command: string) => {
      suggestion = command;
    };
    await verb.run({ client, args, output, signal: interruption(), suggest });
  } catch (error) {
    report(error, output, server, suggestion);
  } finally {
    output.endProgress();
  }
}

/** Aborted by the first Ctrl-C; a second one ends the process at once, as always. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.once(name, () => controller.abort(new Interrupted(name)));
  }
  return controller.signal;
}

function report(
  error: unknown,
  output: Output,
  server: ServerConfig | undefined,
  suggestion: string | undefined,
): void {
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
  output.note(`turntable: ${explain(error, server, suggestion)}`);
  process.exitCode = error instanceof UsageError || error instanceof InvalidOptionError ? 2 : 1;
}

/** One line: what went wrong, and what to do. */
function explain(
  error: unknown,
  server: ServerConfig | undefined,
  suggestion: string | undefined,
): string {
  if (error instanceof CallFailedError) {
    return explainCall(error, server, suggestion);
  }
  if (error instanceof TaskFailedError) {
    return `${printable(error.message)}; turntable report ${error.taskId} shows what was scored, generate makes a new task`;
  }
  if (error instanceof CorruptDownloadError) {
    return `${error.message}; try again: turntable download ${error.taskId}`;
  }
  return printable(error instanceof Error ? error.message : String(error));
}

function explainCall(
  error: CallFailedError,
  server: ServerConfig | undefined,
  suggestion: string | undefined,
): string {
  const details = printable(error.details);
  switch (error.code) {
    case "unavailable": {
      const source = server?.addressSource ? ` (from ${server.addressSource})` : "";
      return `no answer from ${server?.connection.address}${source}: ${details}; start a local subnet with npm start, or name a server with --server HOST:PORT`;
    }
    case "unauthenticated":
      return `${details}; give a valid API key with --api-key-file FILE`;
    case "deadline-exceeded":
      return suggestion === undefined
        ? `the server did not answer in time: ${details}`
        : `not done in time; the task goes on, to follow it: ${suggestion}`;
    default:
      return details === "" ? error.code : details;
  }
}

function isErrno(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "code" in error && "syscall" in error;
}
