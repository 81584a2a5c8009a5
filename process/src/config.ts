/**
 * Configuration of a process from one zod schema: flag > environment variable > file > default.
 *
 * A schema is an object of options or of groups of options: `{ grpc: z.object({ host: z.string() … }) }` gives
 * the flag `--grpc-host`, the variable `TURNTABLE_GRPC_HOST` and `{"grpc": {"host": …}}` in the file.
 * Descriptions (`.describe("…")`) become `--help` and the tables of docs/configuration.md.
 */
import { z } from "zod";

export interface ConfigDefinition<Schema extends z.ZodObject = z.ZodObject> {
  /** The command, for the help text. */
  readonly command: string;
  /** One sentence: what the process does. */
  readonly summary: string;
  readonly schema: Schema;
}

export interface ConfigSources {
  /** Arguments after the command. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads a text file; throws when it cannot. */
  readonly readFile: (path: string) => string;
}

/** One option as flag, variable and file key. */
export interface ConfigOption {
  readonly path: readonly string[];
  readonly flag: string;
  readonly variable: string;
  readonly kind: "text" | "number" | "boolean" | "list";
  readonly schema: z.core.$ZodType;
  readonly description: string;
  readonly defaultText: string | undefined;
}

const variablePrefix = "TURNTABLE_";
/** Variables this close to one of ours are taken for a misspelling of it. */
const misspellingDistance = 2;

/** Everything that is wrong with the configuration, one problem a line. */
export class ConfigError extends Error {
  override name = "ConfigError";
  readonly code = "config";
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}

/**
 * Reads and checks the configuration.
 * @throws ConfigError naming every problem by flag and variable.
 */
export function loadConfig<Schema extends z.ZodObject>(
  definition: ConfigDefinition<Schema>,
  sources: ConfigSources,
): z.infer<Schema> {
  const options = configOptions(definition.schema);
  const problems: string[] = [];
  const flags = readFlags(options, sources.argv, problems);
  const values: Record<string, unknown> = {};
  for (const option of options) {
    assign(values, option, undefined);
  }

  const file = flags.get("config")?.[0] ?? variableOf(sources, `${variablePrefix}CONFIG`);
  if (file !== undefined) {
    mergeFile(values, file, options, sources, problems);
  }
  for (const option of options) {
    const fromFlag = flags.get(option.flag.slice(2));
    const fromEnv = variableOf(sources, option.variable);
    if (fromFlag !== undefined) {
      assign(values, option, parseTexts(option, fromFlag, problems));
    } else if (fromEnv !== undefined) {
      assign(values, option, parseTexts(option, splitList(option, fromEnv), problems));
    }
  }
  problems.push(...misspeltVariables(options, sources.env));

  const parsed = definition.schema.safeParse(values);
  if (!parsed.success) {
    const issues = [
      ...parsed.error.issues,
      ...brokenRules(definition.schema, values, options, parsed.error.issues),
    ];
    problems.push(...issues.map((issue) => explain(issue, options)));
  }
  if (problems.length > 0 || !parsed.success) {
    throw new ConfigError([...new Set(problems)]);
  }
  return parsed.data;
}

/** True when the arguments ask for help. */
export function asksForHelp(argv: readonly string[]): boolean {
  return argv.includes("--help") || argv.includes("-h");
}

/** Text for `--help`. */
export function configHelp(definition: ConfigDefinition): string {
  const options = configOptions(definition.schema);
  const [example] = options;
  const rows = options.map((option) => {
    const fallback = option.defaultText === undefined ? "" : ` [${option.defaultText}]`;
    return {
      left: `${option.flag}${valueHint(option)}`,
      right: `${option.description}${fallback}`,
    };
  });
  rows.push({ left: "--config FILE", right: "JSON file with the same names, nested" });
  rows.push({ left: "--help", right: "this text" });
  const width = Math.max(...rows.map((row) => row.left.length));
  const lines = rows.map((row) => `  ${row.left.padEnd(width)}  ${row.right}`);
  return `${definition.command}: ${definition.summary}

Usage: ${definition.command} [options]

${lines.join("\n")}

Each option is also a variable: ${example?.flag} is ${example?.variable}. A flag wins over a variable, a
variable that is not empty over the file, the file over the default in brackets.
`;
}

/** Markdown table of all options, for the README. */
export function configTable(definition: ConfigDefinition): string {
  const rows = configOptions(definition.schema).map(
    (o) => `| \`${o.flag}\` | \`${o.variable}\` | ${o.defaultText ?? ""} | ${o.description} |`,
  );
  return ["| Flag | Variable | Default | Meaning |", "|---|---|---|---|", ...rows].join("\n");
}

/** Flattens a schema into its options. */
export function configOptions(
  schema: z.ZodObject,
  path: readonly string[] = [],
): readonly ConfigOption[] {
  return Object.entries(schema.shape).flatMap(([key, value]) => {
    const leaf = unwrap(value);
    const here = [...path, key];
    if (leaf.type instanceof z.ZodObject) {
      return configOptions(leaf.type, here);
    }
    const kebab = here
      .map((part) => part.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`))
      .join("-");
    return [
      {
        path: here,
        flag: `--${kebab}`,
        variable: variablePrefix + kebab.replaceAll("-", "_").toUpperCase(),
        kind: kindOf(leaf.type),
        schema: value,
        description: leaf.description ?? "",
        defaultText: leaf.defaultText,
      },
    ];
  });
}

/**
 * Zod leaves out the rules across fields while a field is malformed. They are tried once more with neutral values in
 * the place of what was found wrong, so that nobody has to come twice; what they say of such a field itself is not
 * counted.
 */
function brokenRules(
  schema: z.ZodObject,
  values: Readonly<Record<string, unknown>>,
  options: readonly ConfigOption[],
  issues: readonly z.core.$ZodIssue[],
): readonly z.core.$ZodIssue[] {
  const wrong = new Set(issues.flatMap((issue) => optionOf(issue, options) ?? []));
  const neutral: Record<string, unknown> = {};
  for (const option of options) {
    const isNeeded = !z.core.safeParse(option.schema, undefined).success;
    const instead = isNeeded ? emptyValues[option.kind] : undefined;
    assign(neutral, option, wrong.has(option) ? instead : valueAt(values, option));
  }
  const again = schema.safeParse(neutral).error?.issues ?? [];
  return again.filter((issue) => {
    const option = optionOf(issue, options);
    return issue.code === "custom" && (option === undefined || !wrong.has(option));
  });
}

const emptyValues: Readonly<Record<ConfigOption["kind"], unknown>> = {
  text: "",
  number: 0,
  boolean: false,
  list: [],
};

interface Leaf {
  readonly type: z.core.$ZodType;
  readonly description: string | undefined;
  readonly defaultText: string | undefined;
}

function unwrap(schema: z.core.$ZodType): Leaf {
  let type = schema;
  let description: string | undefined;
  let defaultText: string | undefined;
  for (;;) {
    description ??= z.globalRegistry.get(type)?.description;
    if (type instanceof z.ZodDefault || type instanceof z.ZodPrefault) {
      const value: unknown = type.def.defaultValue;
      defaultText ??= Array.isArray(value) ? value.join(",") : String(value);
      type = type.def.innerType;
    } else if (type instanceof z.ZodOptional || type instanceof z.ZodReadonly) {
      type = type.def.innerType;
    } else if (type instanceof z.ZodPipe) {
      type = type.def.in;
    } else {
      return { type, description, defaultText: defaultText === "" ? undefined : defaultText };
    }
  }
}

function kindOf(type: z.core.$ZodType): ConfigOption["kind"] {
  if (type instanceof z.ZodNumber) {
    return "number";
  }
  if (type instanceof z.ZodBoolean) {
    return "boolean";
  }
  return type instanceof z.ZodArray ? "list" : "text";
}

function valueHint(option: ConfigOption): string {
  if (option.kind === "boolean") {
    return option.defaultText === "true" ? "=false" : "";
  }
  const last = option.path.at(-1) ?? "";
  const hint = /File$|^file$/.test(last) ? "FILE" : option.kind === "number" ? "N" : "TEXT";
  return ` ${hint}${option.kind === "list" ? " (repeatable, or a list with commas)" : ""}`;
}

function readFlags(
  options: readonly ConfigOption[],
  argv: readonly string[],
  problems: string[],
): ReadonlyMap<string, readonly string[]> {
  const flags = new Map<string, string[]>();
  const known = new Map(options.map((option) => [option.flag.slice(2), option]));
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i] ?? "";
    const match = /^--([a-z0-9-]+)(?:=(.*))?$/s.exec(argument);
    const name = match?.[1];
    const option = name === undefined ? undefined : known.get(name);
    if (name === undefined || (option === undefined && name !== "config")) {
      const near = name === undefined ? undefined : nearest(name, [...known.keys(), "config"]);
      problems.push(
        `${argument}: unknown argument${near === undefined ? "; see --help" : `; did you mean --${near}?`}`,
      );
      // What follows an unknown flag is most likely its value, not another mistake.
      while (i + 1 < argv.length && !argv[i + 1]?.startsWith("--")) {
        i++;
      }
      continue;
    }
    let value = match?.[2];
    if (value === undefined && option?.kind === "boolean") {
      value = "true";
    }
    if (value === undefined) {
      value = argv[++i];
      if (value === undefined) {
        problems.push(`--${name}: a value is missing`);
        continue;
      }
    }
    flags.set(name, [...(flags.get(name) ?? []), value]);
  }
  return flags;
}

function mergeFile(
  values: Record<string, unknown>,
  file: string,
  options: readonly ConfigOption[],
  sources: ConfigSources,
  problems: string[],
): void {
  let content: unknown;
  try {
    content = JSON.parse(sources.readFile(file));
  } catch (error) {
    problems.push(`--config ${file}: cannot be read as JSON: ${messageOf(error)}`);
    return;
  }
  const known = new Map(options.map((option) => [option.path.join("."), option]));
  const walk = (node: unknown, path: readonly string[]): void => {
    const option = known.get(path.join("."));
    if (option !== undefined) {
      assign(values, option, node);
      return;
    }
    if (typeof node !== "object" || node === null || Array.isArray(node)) {
      problems.push(`${file}: ${path.join(".") || "the file"}: no such option`);
      return;
    }
    for (const [key, value] of Object.entries(node)) {
      walk(value, [...path, key]);
    }
  };
  walk(content, []);
}

/** An empty one is none: compose files and charts write those for what is not set. Files end in a line end. */
function variableOf({ env }: ConfigSources, name: string): string | undefined {
  const text = env[name]?.trim();
  return text === "" ? undefined : text;
}

function splitList(option: ConfigOption, text: string): readonly string[] {
  if (option.kind !== "list") {
    return [text];
  }
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

function parseTexts(option: ConfigOption, texts: readonly string[], problems: string[]): unknown {
  if (option.kind === "list") {
    return texts.flatMap((text) => splitList(option, text));
  }
  const text = texts.at(-1) ?? "";
  if (option.kind === "text") {
    return text;
  }
  if (option.kind === "number") {
    const value = Number(text);
    if (text.trim() !== "" && Number.isFinite(value)) {
      return value;
    }
    problems.push(`${name(option)}: "${text}" is not a number`);
    return undefined;
  }
  if (/^(true|1|yes|on)$/i.test(text)) {
    return true;
  }
  if (/^(false|0|no|off)$/i.test(text)) {
    return false;
  }
  problems.push(`${name(option)}: "${text}" is neither true nor false`);
  return undefined;
}

/** Sets a value and makes the groups above it; a group is there even when all of its options are absent. */
function assign(values: Record<string, unknown>, option: ConfigOption, value: unknown): void {
  let node = values;
  for (const key of option.path.slice(0, -1)) {
    const next = node[key] ?? {};
    node[key] = next;
    node = next as Record<string, unknown>; // only this function creates the nodes on a path
  }
  if (value !== undefined) {
    node[option.path.at(-1) ?? ""] = value;
  }
}

function valueAt(values: Readonly<Record<string, unknown>>, option: ConfigOption): unknown {
  let node: unknown = values;
  for (const key of option.path) {
    node = (node as Record<string, unknown>)[key]; // as `assign` made it
  }
  return node;
}

function misspeltVariables(
  options: readonly ConfigOption[],
  env: ConfigSources["env"],
): readonly string[] {
  const known = [...options.map((option) => option.variable), `${variablePrefix}CONFIG`];
  return Object.keys(env).flatMap((variable) => {
    if (!variable.startsWith(variablePrefix) || known.includes(variable)) {
      return [];
    }
    const near = nearest(variable, known);
    return near === undefined ? [] : [`${variable}: no such variable; did you mean ${near}?`];
  });
}

function nearest(text: string, candidates: readonly string[]): string | undefined {
  return candidates.find((candidate) => editDistance(text, candidate) <= misspellingDistance);
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substitution));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

function explain(issue: z.core.$ZodIssue, options: readonly ConfigOption[]): string {
  const option = optionOf(issue, options);
  if (option === undefined) {
    const path = issue.path.map(String);
    const missing = options.filter((o) => path.every((part, i) => part === o.path[i]));
    if (missing.length === 0 || path.length === 0) {
      return issue.message;
    }
    return `${missing.map(name).join(", ")}: ${issue.message}`;
  }
  const absent = issue.code === "invalid_type" && issue.message.endsWith("received undefined");
  return `${name(option)}: ${absent ? "required" : issue.message}`;
}

/** The option that an issue is about; undefined when it is about more than one. */
function optionOf(
  issue: z.core.$ZodIssue,
  options: readonly ConfigOption[],
): ConfigOption | undefined {
  return options.find((option) => option.path.every((part, i) => part === String(issue.path[i])));
}

function name(option: ConfigOption): string {
  return `${option.flag} (${option.variable})`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
