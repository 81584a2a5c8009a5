/**
 * Commands beside the coordinator itself, running or not: they look at its data directory and at the chain. Only `keys`
 * changes something, in a database of its own.
 */
import { once } from "node:events";
import { ChainError } from "@turntable/bittensor/chain";
import { ConfigError, endOnBrokenPipe } from "@turntable/process";
import { RulesError } from "../rules/index.ts";
import { StatusError } from "../status/index.ts";
import { StorageFullError, StoreError } from "../store/index.ts";
import { type Command, type CommandContext, readArguments, UsageError } from "./command.ts";
import { dbCommand } from "./db.ts";
import { keysCommand } from "./keys.ts";
import { minersCommand } from "./miners.ts";
import { statusCommand } from "./status.ts";
import { weightsCommand } from "./weights.ts";

export type { CommandContext } from "./command.ts";

const commands: Readonly<Record<string, Command>> = {
  db: dbCommand,
  keys: keysCommand,
  miners: minersCommand,
  status: statusCommand,
  weights: weightsCommand,
};
const program = "turntable-coordinator";
/** Errors whose message says all that helps. */
const explained = [ChainError, RulesError, StatusError, StorageFullError, StoreError];

/** What a command needs of the process, once its configuration is known. */
export type Opening = (
  config: CommandContext["config"],
) => Promise<Pick<CommandContext, "rules" | "hotkey" | "openChain">>;

/** The command that the arguments name; undefined when they are the coordinator's own. */
export function commandOf(argv: readonly string[]): string | undefined {
  const [name] = argv;
  return name !== undefined && Object.hasOwn(commands, name) ? name : undefined;
}

/** Runs a command. @returns the exit status: 0, 1 after or for a fault, 2 for a wrong command line */
export async function runCommand(
  name: string,
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  open: Opening,
): Promise<number> {
  const command = commands[name];
  if (command === undefined) {
    throw new RangeError(`there is no command ${name}`);
  }
  if (argv.includes("--help") || argv.includes("-h")) {
    process.stdout.write(
      `Usage: ${program} ${command.usage} [options]\n\n${command.summary}. ` +
        `Its other options are those of ${program}: give it the same.\n${command.details ?? ""}`,
    );
    return 0;
  }
  endOnBrokenPipe();
  try {
    const read = readArguments(command, argv, env);
    const note = (text: string): void => void process.stderr.write(text);
    return await command.run({
      ...{ ...read, print, note, now: Date.now },
      ...(await open(read.config)),
    });
  } catch (error) {
    if (error instanceof UsageError) {
      return fail(name, [`${error.message}; see --help`], 2);
    }
    if (error instanceof ConfigError) {
      return fail(name, error.problems, 2);
    }
    if (explained.some((kind) => error instanceof kind)) {
      return fail(name, [error instanceof Error ? error.message : String(error)], 1);
    }
    throw error;
  }
}

/** One line for each command, for the help of the program. */
export function commandsHelp(): string {
  const lines = Object.values(commands).map(
    ({ usage, summary }) => `  ${program} ${usage.padEnd(30)}${summary}`,
  );
  return `\nBeside the coordinator itself:\n${lines.join("\n")}\n`;
}

async function print(text: string): Promise<void> {
  if (!process.stdout.write(text)) {
    await once(process.stdout, "drain");
  }
}

function fail(name: string, lines: readonly string[], status: number): number {
  for (const line of lines) {
    process.stderr.write(`${program} ${name}: ${line}\n`);
  }
  return status;
}
