import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  ApiKeyScope,
  ApiKeyScopeSchema,
  CreateApiKeyResponseSchema,
  ListApiKeysResponseSchema,
  RevokeApiKeyResponseSchema,
} from "@turntable/proto";
import { randomHex } from "../../bytes.ts";
import type { CliCommand } from "../command.ts";
import type { CommonFlags, Run } from "../context.ts";
import { enumName, printable, table } from "../text.ts";
import { duration, oneOf, whole } from "../usage.ts";
import {
  more,
  type PageFlags,
  pageOf,
  runAdmin,
  timeText,
  withAdminOptions,
  withPageOptions,
} from "./verb.ts";

interface CreateFlags extends CommonFlags {
  readonly scope?: readonly ApiKeyScope[];
  readonly expires?: number;
  readonly rate: number;
  readonly concurrency: number;
}

const scopes = {
  generate: ApiKeyScope.GENERATE,
  score: ApiKeyScope.SCORE,
  "read-all": ApiKeyScope.READ_ALL,
  admin: ApiKeyScope.ADMIN,
} as const;
const scopeOf = oneOf("--scope", ["generate", "score", "read-all", "admin"]);
const most = 2 ** 31;

export function addKeys(admin: CliCommand, run: Run): void {
  const keys = admin.command("keys").description("API keys");
  const list = keys.command("list", { isDefault: true });
  list.isStandIn = true;
  withAdminOptions(withPageOptions(list))
    .description("list them by name; their secrets are known to nobody")
    .action((flags: PageFlags) =>
      runAdmin(run, flags, ListApiKeysResponseSchema, {
        ask: (client, options) => client.listApiKeys(pageOf(flags), options),
        describe: (answer) =>
          table(
            ["KEY", "NAME", "SCOPES", "CREATED", "EXPIRES", "CALLS/MIN", "AT ONCE"],
            answer.keys.map((key) => [
              printable(key.id),
              `${printable(key.name)}${key.fromFile ? " (file)" : ""}`,
              key.scopes.map((scope) => enumName(ApiKeyScopeSchema, scope) ?? scope).join(","),
              timeText(key.createTime),
              timeText(key.expireTime) || "never",
              key.callsPerMinute === 0 ? "any" : String(key.callsPerMinute),
              key.concurrentCalls === 0 ? "any" : String(key.concurrentCalls),
            ]),
            ["CALLS/MIN", "AT ONCE"],
          ),
        note: more("turntable admin keys"),
      }),
    );
  withAdminOptions(keys.command("create <NAME>"))
    .description("make one; its secret is printed once, alone on standard output")
    .option(
      "--scope <SCOPE>",
      "generate, score, read-all or admin; may be repeated [generate]",
      (text: string, before: readonly ApiKeyScope[] = []) => [...before, scopes[scopeOf(text)]],
    )
    .option(
      "--expires <TIME>",
      "refused after this time from now, such as 90d",
      duration("expires"),
    )
    .option("--rate <N>", "calls a minute; 0 is no limit", whole("rate", 0, most), 0)
    .option(
      "--concurrency <N>",
      "calls at one time; 0 is no limit",
      whole("concurrency", 0, most),
      0,
    )
    .action((name: string, flags: CreateFlags) => {
      const requestId = randomHex(16);
      return runAdmin(run, flags, CreateApiKeyResponseSchema, {
        ask: (client, options) =>
          client.createApiKey(
            {
              name,
              requestId,
              scopes: flags.scope === undefined ? [ApiKeyScope.GENERATE] : [...flags.scope],
              callsPerMinute: flags.rate,
              concurrentCalls: flags.concurrency,
              ...(flags.expires === undefined
                ? {}
                : { expireTime: timestampFromMs(Date.now() + flags.expires) }),
            },
            options,
          ),
        describe: ({ secret }) => `${secret}\n`,
        note: ({ key }) =>
          `key ${printable(key?.id ?? "")} of ${printable(name)}: keep the secret, it is not shown again`,
      });
    });
  withAdminOptions(keys.command("revoke <KEY>"))
    .description("end one: it is refused from the next call on")
    .action((keyId: string, flags: CommonFlags) =>
      runAdmin(run, flags, RevokeApiKeyResponseSchema, {
        ask: (client, options) => client.revokeApiKey({ keyId }, options),
        describe: () => `${printable(keyId)} is revoked\n`,
      }),
    );
}
