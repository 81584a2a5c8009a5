/** How the first connection is made, and what every later one is made with. */
import { readFileSync } from "node:fs";
import {
  type ConnectionOptions,
  connect,
  credsAuthenticator,
  errors,
  type NatsConnection,
} from "@nats-io/transport-node";
import { QueueUnavailableError } from "../contract.ts";
import { sentenceOf } from "./advice.ts";
import type { NatsOptions } from "./options.ts";
import { defaultRequestTimeoutMs, NatsServerError } from "./options.ts";
import { backoffMs, pause } from "./waiting.ts";

/** A peer that is gone without a word is noticed after three of these. */
const pingIntervalMs = 10_000;

/**
 * Tries until `signal` is aborted. Reconnects wait for `reconnectDelayMs()`.
 * @throws NatsServerError when the credentials are refused, QueueUnavailableError when nobody answers
 */
export async function connectFirst(
  options: NatsOptions,
  reconnectDelayMs: () => number,
  signal: AbortSignal,
): Promise<NatsConnection> {
  const natsOptions = connectionOptions(options, reconnectDelayMs);
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await connect(natsOptions);
    } catch (error) {
      if (error instanceof errors.AuthorizationError) {
        throw new NatsServerError(
          `NATS at ${serverList(options)} refuses the credentials given. Check user and password, token or credentials file.`,
          { cause: error },
        );
      }
      if (attempt === 0) {
        options.onEvent?.({
          kind: "trouble",
          what: `waiting for NATS at ${serverList(options)}`,
          error,
        });
      }
      await pause(backoffMs(attempt), signal);
      if (signal.aborted) {
        throw unreachable(options, error);
      }
    }
  }
}

function connectionOptions(
  options: NatsOptions,
  reconnectDelayMs: () => number,
): ConnectionOptions {
  const urls = [options.servers].flat().map(parseServer);
  const [first] = urls;
  const user = options.user ?? first?.user;
  const password = options.password ?? first?.password;
  const token = options.token ?? first?.token;
  const { credentialsFile } = options;
  const tls = tlsOptions(options.tls);
  return {
    servers: urls.map((url) => url.server),
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(user === undefined ? {} : { user, pass: password ?? "" }),
    ...(token === undefined ? {} : { token }),
    ...(credentialsFile === undefined
      ? {}
      : { authenticator: credsAuthenticator(credentialsReader(credentialsFile)) }),
    ...(Object.keys(tls).length === 0 && !urls.some((url) => url.isTls) ? {} : { tls }),
    timeout: options.requestTimeoutMs ?? defaultRequestTimeoutMs,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: reconnectDelayMs,
    // Credentials may be wrong for a while, when they are renewed.
    ignoreAuthErrorAbort: true,
    pingInterval: pingIntervalMs,
    // A stack for every request costs more than the request.
    noAsyncTraces: true,
  };
}

/** Reads the file at every connect; one that is missing while it is renewed must not end the connection for good. */
function credentialsReader(file: string): () => Uint8Array {
  let last = readOrRefuse(file, "the credentials");
  return () => {
    try {
      last = readFileSync(file);
    } catch {
      // The last ones may still do.
    }
    return last;
  };
}

/** @throws NatsServerError: waiting does not bring the file */
function readOrRefuse(file: string, what: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new NatsServerError(`${what} for NATS cannot be read: ${why}`, { cause });
  }
}

/** The client library takes neither credentials nor a scheme's TLS from the address. */
function parseServer(server: string): {
  server: string;
  user: string | undefined;
  password: string | undefined;
  token: string | undefined;
  isTls: boolean;
} {
  const url = URL.parse(server.includes("://") ? server : `nats://${server}`);
  if (url === null || url.hostname === "" || !/^(nats|tls):$/.test(url.protocol)) {
    throw new NatsServerError(
      `"${withoutSecret(server)}" is no address of NATS: nats://host:4222, tls://host:4222 and host:4222 are accepted, ` +
        "with user:password@ or token@ before the host",
    );
  }
  const text = (part: string) => (part === "" ? undefined : decodeURIComponent(part));
  // A name alone is a token, as for every NATS tool.
  const isToken = url.username !== "" && url.password === "";
  return {
    server: url.port === "" ? url.hostname : `${url.hostname}:${url.port}`,
    user: isToken ? undefined : text(url.username),
    password: text(url.password),
    token: isToken ? text(url.username) : undefined,
    isTls: url.protocol === "tls:",
  };
}

const withoutSecret = (server: string): string => server.replace(/\/\/[^@]*@/, "//…@");

/** @throws NatsServerError when one of the files cannot be read */
function tlsOptions(tls: NatsOptions["tls"] = {}): NonNullable<ConnectionOptions["tls"]> {
  const { caFile, certFile, keyFile, handshakeFirst } = tls;
  for (const file of [caFile, certFile, keyFile]) {
    if (file !== undefined) {
      readOrRefuse(file, "a file of TLS");
    }
  }
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw new NatsServerError(
      "of TLS for NATS a certificate and its key are given together, or none",
    );
  }
  return {
    ...(caFile === undefined ? {} : { caFile }),
    ...(certFile === undefined ? {} : { certFile }),
    ...(keyFile === undefined ? {} : { keyFile }),
    ...(handshakeFirst === undefined ? {} : { handshakeFirst }),
  };
}

/** Without credentials: it goes to logs. */
function serverList(options: NatsOptions): string {
  return [options.servers]
    .flat()
    .map((server) => parseServer(server).server)
    .join(", ");
}

export function unreachable(options: NatsOptions, cause: unknown): QueueUnavailableError {
  const reason = cause instanceof Error ? ` (${sentenceOf(cause)})` : "";
  return new QueueUnavailableError(
    `NATS at ${serverList(options)} cannot be reached${reason}. Is nats-server running there, with JetStream?`,
    { cause },
  );
}
