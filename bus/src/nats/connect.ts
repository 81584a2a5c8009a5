/** How the first connection is made, and what every later one is made with. */
import { readFileSync } from "node:fs";
import {
  type Authenticator,
  type ConnectionOptions,
  connect,
  credsAuthenticator,
  errors,
  type NatsConnection,
  nkeyAuthenticator,
  nkeys,
  usernamePasswordAuthenticator,
} from "@nats-io/transport-node";
import { QueueUnavailableError } from "../contract.ts";
import { sentenceOf } from "./advice.ts";
import type { NatsOptions, NatsRole } from "./options.ts";
import { defaultRequestTimeoutMs, inboxPrefixOf, NatsServerError } from "./options.ts";
import { identityOf, readOrRefuse, readTlsFiles, tlsTrouble, whyNoAnswer } from "./tls.ts";
import { backoffMs, pause } from "./waiting.ts";

/** A peer that is gone without a word is noticed after three of these. */
const pingIntervalMs = 10_000;
/** A server whose machine is gone does not even refuse: after so long it is the next one's turn. */
const longestDialMs = 5_000;

/**
 * Tries until `signal` is aborted. Reconnects wait for `reconnectDelayMs()`.
 * @throws NatsServerError when the credentials are refused, QueueUnavailableError when nobody answers
 */
export async function connectFirst(
  options: NatsOptions & { readonly role: NatsRole },
  reconnectDelayMs: () => number,
  signal: AbortSignal,
): Promise<NatsConnection> {
  const natsOptions = connectionOptions(options, reconnectDelayMs);
  let lastReason: QueueUnavailableError | undefined;
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await connect(natsOptions);
    } catch (error) {
      if (error instanceof errors.AuthorizationError) {
        throw new NatsServerError(
          `NATS at ${serverList(options)} refuses the credentials given. Check user and password, token, NKEY or credentials file.`,
          { cause: error },
        );
      }
      // Knocking again costs seconds, and is for the first log line.
      const reason = attempt === 0 ? await explained(error, options) : tlsError(error);
      if (attempt === 0) {
        const what = `waiting for NATS at ${serverList(options)}`;
        options.onEvent?.({ kind: "trouble", what, error: reason ?? error });
      }
      lastReason = reason ?? lastReason;
      await pause(backoffMs(attempt), signal);
      if (signal.aborted) {
        throw unreachable(options, lastReason ?? error);
      }
    }
  }
}

/** What of TLS fails, or why there is no answer; undefined when neither is known. */
async function explained(
  error: unknown,
  options: NatsOptions,
): Promise<QueueUnavailableError | undefined> {
  const known = tlsError(error);
  const isRefused = error instanceof Error && "code" in error && error.code === "ECONNREFUSED";
  if (known !== undefined || isRefused) {
    return known;
  }
  const [first] = [options.servers].flat().map(parseServer);
  const why = first === undefined ? undefined : await whyNoAnswer(first.server, options.tls);
  return why === undefined ? undefined : new QueueUnavailableError(why, { cause: error });
}

function tlsError(error: unknown): QueueUnavailableError | undefined {
  const trouble = tlsTrouble(error);
  return trouble === undefined ? undefined : new QueueUnavailableError(trouble, { cause: error });
}

function connectionOptions(
  options: NatsOptions & { readonly role: NatsRole },
  reconnectDelayMs: () => number,
): ConnectionOptions {
  const urls = [options.servers].flat().map(parseServer);
  const [first] = urls;
  const user = options.user ?? first?.user;
  const password = options.password ?? first?.password;
  const token = options.token ?? first?.token;
  const authenticator = fileAuthenticator(options, user);
  const tls = tlsOptions(options.tls);
  const isTls = Object.keys(tls).length > 0 || urls.some((url) => url.isTls);
  const checkServerIdentity = identityOf(urls.map(({ host }) => host));
  return {
    servers: urls.map((url) => url.server),
    ...(options.name === undefined ? {} : { name: options.name }),
    inboxPrefix: inboxPrefixOf(options.role),
    ...(user === undefined || authenticator !== undefined ? {} : { user, pass: password ?? "" }),
    ...(token === undefined ? {} : { token }),
    ...(authenticator === undefined ? {} : { authenticator }),
    ...(isTls ? { tls: { ...tls, ...{ checkServerIdentity } } } : {}),
    timeout: Math.min(options.requestTimeoutMs ?? defaultRequestTimeoutMs, longestDialMs),
    maxReconnectAttempts: -1,
    // Its own pause goes by the clock: after that was set back by an hour it would not try again for an hour.
    reconnectDelayHandler: () => Number.NEGATIVE_INFINITY,
    // The first one is the library's own choice, another one each time.
    reconnectToServer: ([server]) =>
      server === undefined ? null : { server, delay: reconnectDelayMs() },
    // Credentials may be wrong for a while, when they are renewed.
    ignoreAuthErrorAbort: true,
    pingInterval: pingIntervalMs,
    // A stack for every request costs more than the request.
    noAsyncTraces: true,
  };
}

/**
 * What a file vouches for us with; undefined without any.
 * @throws NatsServerError when there are two, one cannot be read, or has nothing of its kind
 */
function fileAuthenticator(
  { credentialsFile, nkeyFile, passwordFile }: NatsOptions,
  user: string | undefined,
): Authenticator | undefined {
  const given = [credentialsFile, nkeyFile, passwordFile].filter((file) => file !== undefined);
  if (given.length > 1) {
    throw new NatsServerError(
      "NATS knows us by one of --nats-credentials-file, --nats-nkey-file and --nats-password-file, not by two of them",
    );
  }
  if (credentialsFile !== undefined) {
    return credsAuthenticator(fileReader(credentialsFile, "the credentials"));
  }
  if (nkeyFile !== undefined) {
    const read = fileReader(nkeyFile, "the NKEY");
    const seed = (): Uint8Array => Buffer.from(firstLine(read()));
    try {
      nkeys.fromSeed(seed());
    } catch (cause) {
      throw new NatsServerError(
        `${nkeyFile} holds no seed of an NKEY, which begins with SU (nk -gen user makes one)`,
        { cause },
      );
    }
    return nkeyAuthenticator(seed);
  }
  if (passwordFile === undefined) {
    return undefined;
  }
  if (user === undefined) {
    throw new NatsServerError(
      "--nats-password-file is the password of --nats-user, which is not given",
    );
  }
  const read = fileReader(passwordFile, "the password");
  return usernamePasswordAuthenticator(user, () => firstLine(read()));
}

const firstLine = (bytes: Uint8Array): string =>
  Buffer.from(bytes).toString("utf8").split(/\r?\n/, 1)[0] ?? "";

/** Reads the file at every connect; one that is missing while it is renewed must not end the connection for good. */
function fileReader(file: string, what: string): () => Uint8Array {
  let last = readOrRefuse(file, what);
  return () => {
    try {
      last = readFileSync(file);
    } catch {
      // The last ones may still do.
    }
    return last;
  };
}

/** The client library takes neither credentials nor a scheme's TLS from the address. */
function parseServer(server: string): {
  server: string;
  /** Without port and brackets. */
  host: string;
  user: string | undefined;
  password: string | undefined;
  token: string | undefined;
  isTls: boolean;
} {
  const url = URL.parse(server.includes("://") ? server : `nats://${server}`);
  if (url === null || url.hostname === "" || !/^(nats|tls):$/.test(url.protocol)) {
    throw new NatsServerError(
      `"${withoutSecret(server)}" is no address of NATS: nats://host:4222, tls://host:4222, host:4222 and [::1]:4222 are ` +
        "accepted, with user:password@ or token@ before the host",
    );
  }
  const text = (part: string) => (part === "" ? undefined : decodeURIComponent(part));
  // A name alone is a token, as for every NATS tool.
  const isToken = url.username !== "" && url.password === "";
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    server: url.port === "" ? url.hostname : `${url.hostname}:${url.port}`,
    user: isToken ? undefined : text(url.username),
    password: text(url.password),
    token: isToken ? text(url.username) : undefined,
    isTls: url.protocol === "tls:",
  };
}

const withoutSecret = (server: string): string => server.replace(/\/\/[^@]*@/, "//…@");

/** The library reads the files again at every connect, so that they can be renewed. @throws NatsServerError */
function tlsOptions(tls: NatsOptions["tls"] = {}): NonNullable<ConnectionOptions["tls"]> {
  readTlsFiles(tls);
  const { caFile, certFile, keyFile, handshakeFirst } = tls;
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
  const where = `NATS at ${serverList(options)}`;
  if (cause instanceof QueueUnavailableError) {
    return new QueueUnavailableError(`${where} cannot be used: ${cause.message}`, { cause });
  }
  const reason = cause instanceof Error ? ` (${sentenceOf(cause)})` : "";
  return new QueueUnavailableError(
    `${where} cannot be reached${reason}. Is nats-server running there, with JetStream?`,
    { cause },
  );
}
