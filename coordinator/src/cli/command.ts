/** What the commands beside the coordinator itself have in common. */
import { readFileSync } from "node:fs";
import type { Chain } from "@turntable/bittensor/chain";
import type { Keypair } from "@turntable/bittensor/keys";
import { loadConfig } from "@turntable/process";
import { type Config, lookConfig } from "../config.ts";
import type { RuleSet } from "../rules/index.ts";

/** The command line makes no sense; the process exits with 2. */
export class UsageError extends Error {
  override name = "UsageError";
  readonly code = "usage";
}

export interface CommandContext {
  /** The coordinator's own configuration, from the same flags, variables and file. */
  readonly config: Config;
  /** Words of the command line that are neither the command nor options of the configuration. */
  readonly words: readonly string[];
  readonly rules: RuleSet;
  readonly hotkey: () => Promise<Keypair>;
  /** Connects; not to the chain in memory, which lives in the coordinator. */
  readonly openChain: () => Promise<Chain>;
  /** To the standard output; resolves once that has room for more. */
  readonly print: (text: string) => Promise<void>;
  /** To the standard error: what is no result. */
  readonly note: (text: string) => void;
  /** ms since 1970 UTC */
  readonly now: () => number;
}

export interface Command {
  readonly summary: string;
  /** Arguments beside the configuration's, for the overview. */
  readonly usage: string;
  /** Fixed words such as `--dry-run`, anywhere among the arguments. */
  readonly flags: readonly string[];
  /** How many free words may stand in front of everything else. */
  readonly freeWords: number;
  /**
   * @returns the exit status: 1 when what was looked at is not as it has to be
   * @throws UsageError, StoreError, ChainError …, each of which says all that helps
   */
  run(context: CommandContext): Promise<0 | 1>;
}

/**
 * Splits a command's arguments into its own and the configuration's, and loads that.
 * @throws UsageError for a word too many, ConfigError for the rest
 */
export function readArguments(
  { flags, freeWords }: Pick<Command, "flags" | "freeWords">,
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Pick<CommandContext, "config" | "words"> {
  const end = argv.findIndex((word) => word.startsWith("-"));
  const free = end === -1 ? argv : argv.slice(0, end);
  const surplus = free[freeWords];
  if (surplus !== undefined) {
    throw new UsageError(`"${surplus}" is one argument too many`);
  }
  const rest = argv.slice(free.length);
  const config = loadConfig(lookConfig, {
    argv: rest.filter((word) => !flags.includes(word)),
    env,
    readFile: (path) => readFileSync(path, "utf8"),
  });
  return { config, words: [...free, ...rest.filter((word) => flags.includes(word))] };
}

/** Rows as aligned columns, numbers to the right; the first row is the heading. */
export function table(rows: readonly (readonly (string | number)[])[]): string {
  const [heading = []] = rows;
  const widths = heading.map((_, column) =>
    Math.max(...rows.map((row) => String(row[column] ?? "").length)),
  );
  const isNumeric = heading.map((_, column) =>
    rows.slice(1).every((row) => typeof row[column] === "number"),
  );
  const lines = rows.map((row) =>
    heading
      .map((_, column) => {
        const text = String(row[column] ?? "");
        const width = widths[column] ?? 0;
        return isNumeric[column] ? text.padStart(width) : text.padEnd(width);
      })
      .join("  ")
      .trimEnd(),
  );
  return `${lines.join("\n")}\n`;
}
