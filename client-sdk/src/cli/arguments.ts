/** What may stand on the command line, its help text, and how it is read. */
import { parseArgs } from "node:util";

export interface OptionSpec {
  /** Placeholder of its value in the help text; a switch has none. */
  readonly value?: string;
  readonly help: string;
}

export interface VerbSpec {
  readonly name: string;
  /** Placeholder of its one argument; verbs without take none. */
  readonly argument?: string;
  /** One line. */
  readonly summary: string;
  readonly options: Readonly<Record<string, OptionSpec>>;
}

/** What was given. */
export interface Arguments {
  /** The verb's one argument; empty for verbs without. */
  readonly argument: string;
  text(option: string): string | undefined;
  flag(option: string): boolean;
}

/** The command line makes no sense; the message says what to write instead. */
export class UsageError extends Error {
  override name = "UsageError";
  readonly code = "usage";
}

/** Options that every verb has. */
export const commonOptions: Readonly<Record<string, OptionSpec>> = {
  server: {
    value: "ADDR",
    help: "host:port of the coordinator's API [TURNTABLE_SERVER, else .turntable/addresses.json, else 127.0.0.1:50051]",
  },
  "api-key-file": {
    value: "FILE",
    help: "file with the API key on its first line [TURNTABLE_API_KEY_FILE]",
  },
  tls: { help: "encrypt the connection" },
  proxy: { help: "go through the proxy of grpc_proxy, https_proxy or http_proxy" },
  "tls-ca": { value: "FILE", help: "certificates to trust (PEM); implies --tls" },
  json: { help: "print JSON for programs" },
  help: { help: "this text" },
};

/** @throws UsageError */
export function parseArguments(verb: VerbSpec, argv: readonly string[]): Arguments {
  const specs = { ...verb.options, ...commonOptions };
  const { values, positionals } = parse(verb, specs, argv);
  const wanted = verb.argument === undefined ? 0 : 1;
  if (values.help !== true && positionals.length !== wanted) {
    throw new UsageError(
      positionals.length < wanted
        ? `${verb.argument} is missing: ${usageLine(verb)}`
        : `too many arguments (${JSON.stringify(positionals[wanted])}); put a text of several words in quotes: ${usageLine(verb)}`,
    );
  }
  return {
    argument: positionals[0] ?? "",
    text(option) {
      const value = values[option];
      return typeof value === "string" ? value : undefined;
    },
    flag: (option) => values[option] === true,
  };
}

function parse(verb: VerbSpec, specs: Record<string, OptionSpec>, argv: readonly string[]) {
  const options = Object.fromEntries(
    Object.entries(specs).map(([name, spec]) => [
      name,
      { type: spec.value === undefined ? ("boolean" as const) : ("string" as const) },
    ]),
  );
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true, strict: true });
  } catch (error) {
    const reason = error instanceof Error ? error.message.split(". ")[0] : String(error);
    throw new UsageError(`${reason}; see turntable ${verb.name} --help`, { cause: error });
  }
}

/** @throws UsageError unless `text` is a whole number from `min` to `max`. */
export function parseWhole(option: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) {
    throw new UsageError(`--${option} ${text}: give a whole number from ${min} to ${max}`);
  }
  return value;
}

/**
 * A duration in ms: `90` and `90s` are seconds, `5m` minutes, `2h` hours.
 * @throws UsageError
 */
export function parseDurationMs(option: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)(s|m|h)?$/.exec(text);
  const unitMs = { s: 1_000, m: 60_000, h: 3_600_000 }[match?.[2] ?? "s"] ?? Number.NaN;
  const durationMs = Number(match?.[1]) * unitMs;
  if (!(durationMs > 0)) {
    throw new UsageError(`--${option} ${text}: give a time such as 90s, 5m or 2h`);
  }
  return durationMs;
}

export function verbHelp(verb: VerbSpec): string {
  const rows = Object.entries({ ...verb.options, ...commonOptions }).map(
    ([name, spec]) =>
      [`--${name}${spec.value === undefined ? "" : ` ${spec.value}`}`, spec.help] as const,
  );
  return `${verb.summary}\n\nUsage: ${usageLine(verb)}\n\n${columns(rows)}`;
}

export function generalHelp(verbs: readonly VerbSpec[]): string {
  const rows = verbs.map(
    (verb) => [`turntable ${verb.name} ${verb.argument ?? ""}`, verb.summary] as const,
  );
  const common = Object.entries(commonOptions).map(
    ([name, spec]) =>
      [`--${name}${spec.value === undefined ? "" : ` ${spec.value}`}`, spec.help] as const,
  );
  return `Turns text into 3D assets on Bittensor's subnet 17.

Usage: turntable VERB [options]

${columns(rows)}
With every verb (turntable VERB --help shows the others):

${columns(common)}
Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
`;
}

function usageLine(verb: VerbSpec): string {
  const argument = verb.argument === undefined ? "" : ` ${verb.argument}`;
  return `turntable ${verb.name}${argument} [options]`;
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join("");
}
