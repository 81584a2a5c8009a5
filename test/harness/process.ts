/** A process of the project as an operator would run it: its bin, its flags, its log lines. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

const root = new URL("../..", import.meta.url).pathname;

export interface LogLine {
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface RunningProcess extends AsyncDisposable {
  readonly pid: number;
  /** Resolves when it has ended, by itself or not, with its exit status. */
  readonly ended: Promise<number | null>;
  /** Everything it printed so far. */
  output(): string;
  /** The first log line, past or to come, that `matches`. Fails when the process ends before. */
  logged(matches: (line: LogLine) => boolean): Promise<LogLine>;
  /** Resolves once a line holds `text`. Fails when the process ends before. */
  printed(text: string): Promise<void>;
  /** Ends it as a crash would, and waits until it is gone. */
  kill9(): Promise<void>;
  /** Asks it to stop and gives its exit status. */
  stop(): Promise<number | null>;
  /** Sends it a signal and waits for nothing. */
  signal(signal: NodeJS.Signals): void;
}

export interface ProcessOptions {
  /** A command that runs the one given, in a network of its own, say; it has to become it. */
  readonly launcher?: readonly string[];
  /** Folder of the project whose command it is; this one when absent. */
  readonly checkout?: string;
  /** Told of every line that it prints. */
  readonly onLine?: (line: string) => void;
}

/**
 * Starts a command of the project, for example `turntable-worker`.
 * @param env beside this process's own
 */
export function startProcess(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  { launcher = [], checkout = root, onLine }: ProcessOptions = {},
): RunningProcess {
  const [program = "", ...argv] = [...launcher, join(checkout, "node_modules/.bin", command)];
  const child = spawn(program, [...argv, ...args], {
    cwd: checkout,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  const lines: LogLine[] = [];
  let output = "";
  let notify: (() => void)[] = [];
  const wake = (): void => {
    for (const listener of notify.splice(0)) {
      listener();
    }
  };
  const read = (line: string): void => {
    output += `${line}\n`;
    onLine?.(line);
    const parsed = parseLine(line);
    if (parsed !== undefined) {
      lines.push(parsed);
    }
    wake();
  };
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", read);
  }
  let ended = false;
  const closed = once(child, "close").then(() => {
    ended = true;
    wake();
    return child.exitCode;
  });

  /** Tries whenever there is more, until there is something. */
  const waitFor = async <Found>(find: () => Found | undefined): Promise<Found> => {
    for (;;) {
      const found = find();
      if (found !== undefined) {
        return found;
      }
      if (ended) {
        throw new Error(`${command} ended:\n${output}`);
      }
      await new Promise<void>((resolve) => notify.push(resolve));
    }
  };
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal);
    return await closed;
  };
  return {
    pid: pidOf(child),
    ended: closed,
    output: () => output,
    logged(matches) {
      let seen = 0;
      return waitFor(() => {
        while (seen < lines.length) {
          const line = lines[seen++];
          if (line !== undefined && matches(line)) {
            return line;
          }
        }
        return undefined;
      });
    },
    async printed(text) {
      await waitFor(() => (output.includes(text) ? true : undefined));
    },
    kill9: async () => void (await end("SIGKILL")),
    stop: () => end("SIGTERM"),
    signal: (signal) => void child.kill(signal),
    async [Symbol.asyncDispose]() {
      notify = [];
      if (!ended) {
        await end("SIGKILL");
      }
    },
  };
}

function parseLine(line: string): LogLine | undefined {
  if (!line.startsWith("{")) {
    return undefined;
  }
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === "object" && value !== null && "msg" in value) {
      return value as LogLine; // pino's
    }
  } catch {
    // not a log line
  }
  return undefined;
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) {
    throw new Error("the process did not start");
  }
  return child.pid;
}
