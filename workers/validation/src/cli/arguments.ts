/** Arguments of the one-shot commands: `parseArgs` of Node, with numbers and with mistakes as one clear line. */
import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import type { Environment } from "../gpu/index.ts";

/** The command line makes no sense; the process exits with 2. */
export class UsageError extends Error {
  override name = "UsageError";
  readonly code = "usage";
}

/** A command of `turntable-worker`. */
export interface Command {
  readonly summary: string;
  readonly help: string;
  /**
   * @param env the variables of this process, which those that work on a GPU get as well
   * @throws UsageError, AssetError, ProfileError … which `main.ts` turns into one line.
   */
  run(argv: readonly string[], env: Environment): Promise<void>;
}

type Parsed<Options extends ParseArgsOptionsConfig> = ReturnType<
  typeof parseArgs<{ options: Options; allowPositionals: true; args: string[] }>
>;

/** @throws UsageError for unknown options, missing values, or another number of positionals than named. */
export function parseArguments<const Options extends ParseArgsOptionsConfig>(
  argv: readonly string[],
  options: Options,
  positionals: readonly string[],
): Parsed<Options> {
  let parsed: Parsed<Options>;
  try {
    parsed = parseArgs({ args: joinNegative(argv, options), options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? oneLine(error.message) : String(error));
  }
  const given = parsed.positionals.length;
  if (given < positionals.length) {
    throw new UsageError(`${positionals[given]} is missing`);
  }
  if (given > positionals.length) {
    throw new UsageError(`"${parsed.positionals[positionals.length]}" is one argument too many`);
  }
  return parsed;
}

/** `--elevation -15` as `--elevation=-15`: Node would take the number for an option. */
function joinNegative(argv: readonly string[], options: ParseArgsOptionsConfig): string[] {
  const joined: string[] = [];
  let isOver = false;
  for (const word of argv) {
    const before = joined.at(-1) ?? "";
    const takesValue =
      before.startsWith("--") && options[before.slice("--".length)]?.type === "string";
    if (takesValue && !isOver && /^-\.?\d/.test(word)) {
      joined.splice(-1, 1, `${before}=${word}`);
    } else {
      joined.push(word);
    }
    isOver ||= word === "--";
  }
  return joined;
}

export interface NumberRange {
  readonly min: number;
  readonly max: number;
  readonly integer?: boolean;
}

/** @throws UsageError when `text` is no number in the range; undefined stays undefined. */
export function parseNumber(
  option: string,
  text: string | undefined,
  { min, max, integer = false }: NumberRange,
): number | undefined {
  if (text === undefined) {
    return undefined;
  }
  const value = Number(text);
  const isGood = text.trim() !== "" && value >= min && value <= max;
  if (!isGood || (integer && !Number.isInteger(value))) {
    const kind = integer ? "a whole number" : "a number";
    throw new UsageError(`--${option} ${text}: ${kind} from ${min} to ${max} is needed`);
  }
  return value;
}

/** One of `choices`, the first when none is given. @throws UsageError */
export function parseChoice<Choice extends string>(
  option: string,
  text: string | undefined,
  choices: readonly [Choice, ...Choice[]],
): Choice {
  if (text === undefined) {
    return choices[0];
  }
  const choice = choices.find((candidate) => candidate === text);
  if (choice === undefined) {
    throw new UsageError(`--${option} ${text}: one of ${choices.join(", ")} is needed`);
  }
  return choice;
}

const maxSeed = 2n ** 64n - 1n;

/** A camera seed of 64 bits; 0 when none is given. */
export function parseSeed(text: string | undefined): bigint {
  if (text === undefined) {
    return 0n;
  }
  if (!/^\d{1,20}$/.test(text) || BigInt(text) > maxSeed) {
    throw new UsageError(`--seed ${text}: a whole number from 0 to ${maxSeed} is needed`);
  }
  return BigInt(text);
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, " ");
}
