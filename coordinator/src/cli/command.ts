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
  readonly print: (text: string) => void;
  /** ms since 1970 UTC */
  readonly now: () => number;
}

export interface Command {
  readonly summary: string;
  /** Arguments beside the configuration's, for the overview. */
  readonly usage: string;
  /** Words that `words` may hold: fixed ones such as `--dry-run`, or undefined for one free word at most. */
  readonly flags: readonly string[];
  readonly takesWord: boolean;
  /** @throws UsageError, StoreError, ChainError …, each of which says all that helps */
  run(context: CommandContext): Promise<void>;
}

/**
 * Splits a command's arguments into its own and the configuration's, and loads that.
 * @throws UsageError for a word too many, ConfigError for the rest
 */
export function readArguments(
  { flags, takesWord }: Pick<Command, "flags" | "takesWord">,
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Pick<CommandContext, "config" | "words"> {
  const [first] = argv;
  const hasWord = first !== undefined && !first.startsWith("-");
  if (hasWord && !takesWord) {
    throw new UsageError(`"${first}" is one argument too many`);
  }
  const rest = hasWord ? argv.slice(1) : argv;
  const config = loadConfig(lookConfig, {
    argv: rest.filter((word) => !flags.includes(word)),
    env,
    readFile: (path) => readFileSync(path, "utf8"),
  });
  const given = rest.filter((word) => flags.includes(word));
  return { config, words: hasWord ? [first, ...given] : given };
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
