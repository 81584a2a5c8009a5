/** `turntable-worker`: the worker process, and single steps of it by hand. */
import { endOnBrokenPipe } from "@turntable/process";
import { AssetError } from "@turntable/splat";
import { type Command, UsageError } from "./cli/arguments.ts";
import { convertCommand } from "./cli/convert.ts";
import { devicesCommand } from "./cli/devices.ts";
import { inspectCommand } from "./cli/inspect.ts";
import { lintCommand } from "./cli/lint.ts";
import { modelsCommand } from "./cli/models.ts";
import { previewCommand } from "./cli/preview.ts";
import { renderCommand } from "./cli/render.ts";
import { RepairError, repairCommand } from "./cli/repair.ts";
import { runCommand } from "./cli/run.ts";
import { scoreCommand } from "./cli/score.ts";
import { ReportError } from "./cli/score-report.ts";
import { selftestCommand } from "./cli/selftest.ts";
import { serveCommand } from "./cli/serve.ts";
import { tokenizeCommand } from "./cli/tokenize.ts";
import { DeviceError } from "./gpu/index.ts";
import { PullError } from "./models/index.ts";
import { PictureError } from "./pictures/index.ts";
import { ModelError } from "./score/index.ts";
import { ProfileError } from "./scoring/index.ts";

const commands: Readonly<Record<string, Command>> = {
  run: runCommand,
  render: renderCommand,
  score: scoreCommand,
  tokenize: tokenizeCommand,
  serve: serveCommand,
  models: modelsCommand,
  convert: convertCommand,
  repair: repairCommand,
  lint: lintCommand,
  inspect: inspectCommand,
  preview: previewCommand,
  selftest: selftestCommand,
  devices: devicesCommand,
};

/** Errors whose message says all that helps. */
const explained = [
  ProfileError,
  ModelError,
  PictureError,
  DeviceError,
  ReportError,
  PullError,
  RepairError,
];

const program = "turntable-worker";
const [name, ...argv] = process.argv.slice(2);
endOnBrokenPipe();
process.exitCode = await main();

async function main(): Promise<number> {
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    (name === undefined ? process.stderr : process.stdout).write(overview());
    return name === undefined ? 2 : 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    return fail(`"${name}" is no command; there are ${Object.keys(commands).join(", ")}`, 2);
  }
  if (argv.includes("--help") || argv.includes("-h")) {
    process.stdout.write(command.help);
    return 0;
  }
  try {
    await command.run(argv, process.env);
    return Number(process.exitCode ?? 0); // `run` sets it
  } catch (error) {
    if (error instanceof UsageError) {
      return fail(`${error.message}; see --help`, 2);
    }
    if (error instanceof AssetError) {
      return fail(`${error.message} (${error.code})`, 1);
    }
    if (isFileError(error)) {
      return fail(describeFileError(error), 1);
    }
    if (explained.some((kind) => error instanceof kind)) {
      return fail(error instanceof Error ? error.message : String(error), 1);
    }
    throw error;
  }
}

function fail(message: string, status: number): number {
  process.stderr.write(`${program} ${name}: ${message}\n`);
  return status;
}

function overview(): string {
  const lines = Object.entries(commands).map(
    ([verb, { summary }]) => `  ${verb.padEnd(12)}${summary}`,
  );
  return `Usage: ${program} COMMAND [options]

${lines.join("\n")}

${program} COMMAND --help says more.
`;
}

/** A file that is not there, not readable, a folder instead … */
function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error; // reading a folder names no path
}

/** The usual ones in words; what else there is says Node's own message. */
function describeFileError({ code, path, message }: NodeJS.ErrnoException): string {
  const words: Readonly<Record<string, string>> = {
    ENOENT: "no such file or folder",
    EACCES: "not allowed",
    EISDIR: "a folder, not a file",
    ENOTDIR: "a part of it is a file, not a folder",
    ENOSPC: "no space is left",
  };
  const known = code === undefined ? undefined : words[code];
  return known === undefined ? message : `${path === undefined ? "" : `${path}: `}${known}`;
}
