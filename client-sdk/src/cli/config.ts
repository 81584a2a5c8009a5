/** Where the coordinator is and how to get in: flag > variable > the local subnet's file > default. */
import { readFileSync } from "node:fs";
import type { TurntableClientOptions } from "../client.ts";
import type { TlsOptions } from "../grpc-transport.ts";
import { UsageError } from "./usage.ts";

/** Options that lead to a server. */
export interface ConnectionFlags {
  readonly server?: string;
  readonly apiKeyFile?: string;
  readonly tls?: true;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly proxy?: true;
}

export interface ServerConfig {
  readonly connection: Pick<TurntableClientOptions, "address" | "apiKey" | "tls" | "proxy">;
  /** Where the address came from, for error messages; empty when the user gave it just now. */
  readonly addressSource: string;
}

export interface ConfigSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads a text file; throws when it cannot. */
  readonly readFile: (path: string) => string;
}

/** The local subnet (`npm start`) writes it into the folder that it was started in. */
const addressesFile = ".turntable/addresses.json";
/** The two ports of a coordinator: their names in that file, their variables, and where they are as a rule. */
const ports = {
  api: { name: "grpc", variable: "TURNTABLE_SERVER", address: "127.0.0.1:50051" },
  admin: { name: "admin", variable: "TURNTABLE_ADMIN_SERVER", address: "127.0.0.1:50052" },
} as const;

export type Port = keyof typeof ports;

/** What `--server` says of itself. */
export function serverHelp(port: Port): string {
  const { variable, address } = ports[port];
  const what = port === "api" ? "the coordinator's API" : "the coordinator's admin port";
  return `host:port of ${what} [${variable}, else ${addressesFile}, else ${address}]`;
}

export const systemSources: ConfigSources = {
  env: process.env,
  readFile: (path) => readFileSync(path, "utf8"),
};

/** @throws UsageError when a named file cannot be used. */
export function loadServerConfig(
  port: Port,
  flags: ConnectionFlags,
  sources: ConfigSources,
): ServerConfig {
  const { address, addressSource } = findAddress(port, flags, sources);
  const keyFile = flags.apiKeyFile ?? sources.env.TURNTABLE_API_KEY_FILE;
  const apiKey =
    keyFile === undefined ? undefined : read(sources, keyFile, "the API key").split("\n")[0];
  const tls = tlsOptions(flags, sources);
  const connection = { address, apiKey: apiKey?.trim(), tls, proxy: flags.proxy };
  return { connection, addressSource };
}

/** @throws UsageError */
function tlsOptions(
  { tls, tlsCa, tlsCert, tlsKey }: ConnectionFlags,
  sources: ConfigSources,
): TlsOptions | undefined {
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new UsageError("--tls-cert and --tls-key go together: the certificate and its key");
  }
  if (tls !== true && tlsCa === undefined && tlsCert === undefined) {
    return undefined;
  }
  const client =
    tlsCert === undefined || tlsKey === undefined
      ? undefined
      : {
          certificateChain: read(sources, tlsCert, "the certificate"),
          privateKey: read(sources, tlsKey, "the certificate's key"),
        };
  const rootCertificates =
    tlsCa === undefined ? undefined : read(sources, tlsCa, "the certificates");
  return { rootCertificates, client };
}

function findAddress(port: Port, flags: ConnectionFlags, sources: ConfigSources) {
  const { name, variable, address } = ports[port];
  if (flags.server !== undefined) {
    return { address: flags.server, addressSource: "" };
  }
  const named = sources.env[variable];
  if (named !== undefined) {
    return { address: named, addressSource: variable };
  }
  const local = localAddress(name, sources);
  if (local !== undefined) {
    return { address: local, addressSource: addressesFile };
  }
  return { address, addressSource: "the default" };
}

function localAddress(name: string, sources: ConfigSources): string | undefined {
  let text: string;
  try {
    text = sources.readFile(addressesFile);
  } catch {
    return undefined; // no local subnet was ever started here
  }
  let addresses: unknown;
  try {
    addresses = JSON.parse(text);
  } catch {
    addresses = undefined;
  }
  const address = new Map(Object.entries(Object(addresses))).get(name);
  if (typeof address === "string") {
    return address;
  }
  throw new UsageError(
    `${addressesFile} has no "${name}" address: name the server with --server, or delete the file`,
  );
}

function read(sources: ConfigSources, path: string, what: string): string {
  try {
    return sources.readFile(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`cannot read ${what}: ${reason}`, { cause: error });
  }
}
