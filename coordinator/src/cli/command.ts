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
  /** What was given with the command's own options, by their names; nothing where an option was not given. */
  readonly given: (option: string) => readonly string[];
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
  /** What its help says beside that: lines, each ended. */
  readonly details?: string;
  /** Fixed words such as `--dry-run`, anywhere among the arguments. */
  readonly flags: readonly string[];
  /** How many free words may stand in front of everything else. */
  readonly freeWords: number;
  /** Options of the command's own with a value each, such as `--scope`; they may be repeated. */
  readonly options?: readonly string[];
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
  { flags, freeWords, options = [] }: Pick<Command, "flags" | "freeWords" | "options">,
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Pick<CommandContext, "config" | "words" | "given"> {
  const firstOption = argv.findIndex((word) => word.startsWith("-"));
  const words = firstOption === -1 ? argv : argv.slice(0, firstOption);
  const tooMany = words[freeWords];
  if (tooMany !== undefined) {
    throw new UsageError(`"${tooMany}" is one argument too many`);
  }
  const values = new Map<string, string[]>();
  const found: string[] = [];
  const rest: string[] = [];
  for (let at = words.length; at < argv.length; at++) {
    const word = argv[at] ?? "";
    const [name = "", inline] = word.split(/=(.*)/s);
    if (flags.includes(word)) {
      found.push(word);
    } else if (options.includes(name)) {
      const value = inline ?? argv[++at];
      if (value === undefined) {
        throw new UsageError(`${name} needs a value`);
      }
      values.set(name, [...(values.get(name) ?? []), value]);
    } else {
      rest.push(word);
    }
  }
  const config = loadConfig(lookConfig, {
    argv: rest,
    env,
    readFile: (path) => readFileSync(path, "utf8"),
  });
  return { config, words: [...words, ...found], given: (option) => values.get(option) ?? [] };
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
