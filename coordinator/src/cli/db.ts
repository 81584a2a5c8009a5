/** `turntable-coordinator db check|backup|export`: is the data directory whole, a copy of it, its rows. */
import {
  type Backup,
  backUpStore,
  type CheckReport,
  checkStore,
  exportedTables,
  exportStore,
} from "../store/index.ts";
import { type Command, type CommandContext, table, UsageError } from "./command.ts";

const flags = ["--deep", "--json", "--copy"];
/** Between two lines about how far a backup is, in ms. */
const progressMs = 2_000;

/** One part of the command: what it does, and which words it takes beside its name. */
interface Part {
  readonly flags: readonly string[];
  readonly words: readonly string[] | "one";
  run(context: CommandContext, words: readonly string[]): Promise<0 | 1>;
}

const parts: Readonly<Record<string, Part>> = {
  check: { flags: ["--deep", "--json"], words: [], run: check },
  backup: { flags: ["--copy"], words: "one", run: backUp },
  export: { flags: [], words: exportedTables, run: exportRows },
};

export const dbCommand: Command = {
  summary: "checks a data directory, backs it up while its coordinator runs, or exports its rows",
  usage: "db check|backup|export",
  details: `
  db check [--deep] [--json]   exit status 1 when it is not whole; --deep reads every asset
  db backup FOLDER [--copy]    a new folder; --copy copies assets even where links would do
  db export [TABLE …]          lines of JSON, of ${exportedTables.join(", ")}
`,
  flags,
  freeWords: 2 + exportedTables.length,
  async run(context) {
    const [name = "", ...rest] = context.words;
    const part = Object.hasOwn(parts, name) ? parts[name] : undefined;
    if (part === undefined) {
      throw new UsageError(`db ${name || "alone"} says nothing; give check, backup or export`);
    }
    const words = rest.filter((word) => !flags.includes(word));
    for (const word of rest) {
      if (flags.includes(word) && !part.flags.includes(word)) {
        throw new UsageError(`${word} means nothing to db ${name}`);
      }
    }
    if (part.words === "one" && words.length !== 1) {
      throw new UsageError(`db ${name} takes one FOLDER, which must not be there yet`);
    }
    const unknown = words.find((word) => part.words !== "one" && !part.words.includes(word));
    if (unknown !== undefined) {
      const known =
        part.words.length === 0 ? "takes no more words" : `has ${exportedTables.join(", ")}`;
      throw new UsageError(`db ${name} does not know ${unknown}; it ${known}`);
    }
    return part.run(context, words);
  },
};

async function check({ config, words, rules, print, now }: CommandContext): Promise<0 | 1> {
  const report = await checkStore(config.dataDir, {
    deep: words.includes("--deep"),
    windowMs: rules.windowMs,
    now: now(),
  });
  await print(words.includes("--json") ? `${JSON.stringify(report)}\n` : describeCheck(report));
  return report.ok ? 0 : 1;
}

/** A report for people. */
export function describeCheck({ schema, results, notes, ok }: CheckReport): string {
  const wrong = results.reduce((sum, result) => sum + result.wrong, 0);
  const faults = results.flatMap((result) => [
    ...result.faults.map((fault) => `${result.name}: ${fault}`),
    ...(result.wrong > result.faults.length
      ? [`${result.name}: and ${result.wrong - result.faults.length} more`]
      : []),
  ]);
  return [
    table([
      ["check", "seen", "wrong", "what has to hold"],
      ...results.map(({ name, seen, wrong, rule }) => [name, seen, wrong, rule]),
    ]),
    ...faults.map((fault) => `${fault}\n`),
    ...notes.map((note) => `note: ${note}\n`),
    ok ? `all is well (schema ${schema})\n` : `${wrong} faults (schema ${schema})\n`,
  ].join("");
}

async function backUp(
  { config, words, print, note }: CommandContext,
  [folder = ""]: readonly string[],
): Promise<0 | 1> {
  let toldAt = performance.now();
  const made = await backUpStore(config.dataDir, folder, {
    copyAssets: words.includes("--copy"),
    onProgress(part, done, of) {
      const at = performance.now();
      if (at - toldAt < progressMs) {
        return;
      }
      toldAt = at;
      note(
        part === "assets" ? `assets: ${done}\n` : `database: ${Math.floor((100 * done) / of)} %\n`,
      );
    },
  });
  await print(describeBackup(folder, made));
  for (const sha256 of made.missing) {
    note(`the data directory itself lacks the asset ${sha256}\n`);
  }
  return made.missing.length === 0 ? 0 : 1;
}

function describeBackup(folder: string, { databaseBytes, assets, linked }: Backup): string {
  const how = linked ? "linked, which share the coordinator's disk" : "copied";
  return (
    `${folder}: ${(databaseBytes / 1024 ** 2).toFixed(1)} MiB of database and ${assets} assets (${how}). ` +
    "To restore: stop the coordinator, put a copy of this folder in place of its data directory, start it.\n"
  );
}

async function exportRows(
  { config, print }: CommandContext,
  tables: readonly string[],
): Promise<0 | 1> {
  for (const lines of exportStore(config.dataDir, tables.length === 0 ? exportedTables : tables)) {
    await print(lines);
  }
  return 0;
}
