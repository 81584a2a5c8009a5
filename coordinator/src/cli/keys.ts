/** `turntable-coordinator keys list|create|revoke`: API keys of a data directory, while its coordinator runs or not. */
import {
  type ApiKey,
  ApiKeyError,
  type ApiKeys,
  openApiKeys,
  type Scope,
  scopes,
} from "../keys/index.ts";
import { type Command, type CommandContext, table, UsageError } from "./command.ts";

const dayMs = 24 * 3_600_000;
const details = `
  keys list            every key, without its secret
  keys create NAME     prints a new secret, once; tasks belong to the name, which several keys may have
    --scope SCOPE      ${scopes.join(", ")}; may be repeated
    --expires-days N   it never expires by default
    --calls-per-minute N, --concurrent-calls N   no limit by default
  keys revoke ID       ends a key at once, also for a coordinator that runs
`;

export const keysCommand: Command = {
  summary: "makes, lists and ends API keys, also while the coordinator runs",
  usage: "keys list|create|revoke",
  details,
  flags: [],
  freeWords: 2,
  options: ["--scope", "--expires-days", "--calls-per-minute", "--concurrent-calls"],
  async run(context) {
    const { config, words, print } = context;
    const [verb, word] = words;
    using keys = openApiKeys(config.dataDir);
    if (verb === "list" && word === undefined) {
      await print(describeKeys(keys.list(), context.now()));
    } else if (verb === "create" && word !== undefined) {
      await print(createKey(keys, word, context));
    } else if (verb === "revoke" && word !== undefined) {
      if (!keys.revoke(word)) {
        throw new UsageError(`there is no key ${word}; see \`keys list\``);
      }
      await print(`key ${word} has ended\n`);
    } else {
      throw new UsageError("say `list`, `create NAME` or `revoke ID`");
    }
    return 0;
  },
};

function createKey(keys: ApiKeys, name: string, { given, now }: CommandContext): string {
  const numberOf = (option: string): number | undefined => {
    const text = given(option).at(-1);
    if (text !== undefined && !/^\d{1,7}(\.\d+)?$/.test(text)) {
      throw new UsageError(`${option} ${text} is not a number`);
    }
    return text === undefined ? undefined : Number(text);
  };
  const wanted = given("--scope");
  const unknown = wanted.find((scope) => !isScope(scope));
  if (unknown !== undefined) {
    throw new UsageError(`there is no scope "${unknown}"; there are ${scopes.join(", ")}`);
  }
  const days = numberOf("--expires-days");
  try {
    const made = keys.create(
      {
        name,
        scopes: wanted.filter(isScope),
        expiresAt: days === undefined ? undefined : new Date(now() + days * dayMs),
        callsPerMinute: numberOf("--calls-per-minute") ?? 0,
        concurrentCalls: numberOf("--concurrent-calls") ?? 0,
      },
      now(),
    );
    if (made === undefined) {
      throw new Error("a key without a request id is always made");
    }
    return `${made.secret}\n`;
  } catch (error) {
    if (error instanceof ApiKeyError) {
      throw new UsageError(`${error.field} ${error.message}`);
    }
    throw error;
  }
}

function isScope(text: string): text is Scope {
  return scopes.some((scope) => scope === text);
}

/** @param now ms since 1970 UTC */
export function describeKeys(keys: readonly ApiKey[], now: number): string {
  if (keys.length === 0) {
    return "no key was made yet\n";
  }
  return table([
    ["id", "name", "scopes", "created", "expires", "a minute", "at once"],
    ...keys.map(({ id, name, scopes: may, createdAt, expiresAt, limits }) => [
      ...[id, name, may.join(","), createdAt?.toISOString() ?? "-", expiryOf(expiresAt, now)],
      limitOf(limits.callsPerMinute),
      limitOf(limits.concurrentCalls),
    ]),
  ]);
}

function expiryOf(expiresAt: Date | undefined, now: number): string {
  if (expiresAt === undefined) {
    return "never";
  }
  return expiresAt.getTime() <= now ? "expired" : expiresAt.toISOString();
}

function limitOf(limit: number): string {
  return limit === 0 ? "-" : String(limit);
}
