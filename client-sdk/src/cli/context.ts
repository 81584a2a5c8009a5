/** What a verb works with, and how it comes to run. */
import type { Command } from "commander";
import { type AdminClient, createAdminClient } from "../admin.ts";
import { createTurntableClient, type TurntableClient } from "../client.ts";
import type { CallFailedError } from "../errors.ts";
import {
  type ConnectionFlags,
  loadServerConfig,
  type Port,
  type ServerConfig,
  serverHelp,
  systemSources,
} from "./config.ts";
import type { Output } from "./output.ts";

/** Options that every verb has. */
export interface CommonFlags extends ConnectionFlags {
  readonly json?: true;
}

export interface VerbContext {
  readonly output: Output;
  /** Results are wanted as JSON. */
  readonly json: boolean;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** A client of the API. */
  readonly client: TurntableClient;
  /** A client of the admin port. */
  readonly admin: AdminClient;
  /** What the user can do to go on when the verb ends early. */
  suggest(command: string): void;
}

/** What a run of the command is about, for its last words. */
export interface Run {
  readonly output: Output;
  readonly signal: AbortSignal;
  /** The last words are JSON as well. */
  readonly json: boolean;
  server: ServerConfig | undefined;
  suggestion: string | undefined;
}

/** Puts options that lead to a server on a verb, and `--json`. */
export function withCommonOptions(verb: Command, port: Port = "api"): Command {
  return verb
    .option("--server <ADDR>", serverHelp(port))
    .option(
      "--api-key-file <FILE>",
      "file with the API key on its first line [TURNTABLE_API_KEY_FILE]",
    )
    .option("--tls", "encrypt the connection")
    .option("--tls-ca <FILE>", "certificates to trust (PEM); implies --tls")
    .option(
      "--tls-cert <FILE>",
      "this client's certificate (PEM), for servers that ask; implies --tls",
    )
    .option("--tls-key <FILE>", "the key of that certificate (PEM)")
    .option("--proxy", "go through the proxy of grpc_proxy, https_proxy or http_proxy")
    .option("--json", "print JSON for programs");
}

/** Runs a verb with clients that connect when they are first used, and are closed when it has ended. */
export async function runVerb(
  run: Run,
  flags: CommonFlags,
  verb: (context: VerbContext) => Promise<void>,
): Promise<void> {
  const { output, signal } = run;
  const open: Disposable[] = [];
  const opened = <T extends Disposable>(client: T): T => {
    open.push(client);
    return client;
  };
  const connection = (of: Port) => {
    run.server = loadServerConfig(of, flags, systemSources);
    const onRetry = ({ error }: { readonly error: CallFailedError }) => {
      // Programs read the error that comes in the end, as JSON and alone.
      if (flags.json !== true) {
        output.progress(`waiting for the server (${error.details})`);
      }
    };
    return { ...run.server.connection, retry: { connectPatienceMs }, onRetry };
  };
  let client: TurntableClient | undefined;
  let admin: AdminClient | undefined;
  try {
    await verb({
      output,
      signal,
      json: flags.json === true,
      get client() {
        client ??= opened(createTurntableClient(connection("api")));
        return client;
      },
      get admin() {
        admin ??= opened(createAdminClient(connection("admin")));
        return admin;
      },
      suggest(command) {
        run.suggestion = command;
      },
    });
  } finally {
    for (const used of open) {
      used[Symbol.dispose]();
    }
  }
}

/** A person waits, and most likely named the wrong server. */
const connectPatienceMs = 3_000;
