/** Where the coordinator is and how to get in: flag > variable > the local subnet's file > default. */
import { readFileSync } from "node:fs";
import type { TurntableClientOptions } from "../client.ts";
import { type Arguments, UsageError } from "./arguments.ts";

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
const defaultAddress = "127.0.0.1:50051";

export const systemSources: ConfigSources = {
  env: process.env,
  readFile: (path) => readFileSync(path, "utf8"),
};

/** @throws UsageError when a named file cannot be used. */
export function loadServerConfig(args: Arguments, sources: ConfigSources): ServerConfig {
  const { address, addressSource } = findAddress(args, sources);
  const keyFile = args.text("api-key-file") ?? sources.env.TURNTABLE_API_KEY_FILE;
  const apiKey =
    keyFile === undefined ? undefined : read(sources, keyFile, "the API key").split("\n")[0];
  const caFile = args.text("tls-ca");
  const rootCertificates =
    caFile === undefined ? undefined : read(sources, caFile, "the certificates");
  const tls = args.flag("tls") || caFile !== undefined ? { rootCertificates } : undefined;
  const proxy = args.flag("proxy");
  return { connection: { address, apiKey: apiKey?.trim(), tls, proxy }, addressSource };
}

function findAddress(args: Arguments, sources: ConfigSources) {
  const given = args.text("server");
  if (given !== undefined) {
    return { address: given, addressSource: "" };
  }
  const variable = sources.env.TURNTABLE_SERVER;
  if (variable !== undefined) {
    return { address: variable, addressSource: "TURNTABLE_SERVER" };
  }
  const local = localAddress(sources);
  if (local !== undefined) {
    return { address: local, addressSource: addressesFile };
  }
  return { address: defaultAddress, addressSource: "the default" };
}

function localAddress(sources: ConfigSources): string | undefined {
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
  if (typeof addresses === "object" && addresses !== null && "grpc" in addresses) {
    if (typeof addresses.grpc === "string") {
      return addresses.grpc;
    }
  }
  throw new UsageError(
    `${addressesFile} has no "grpc" address: name the server with --server, or delete the file`,
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
