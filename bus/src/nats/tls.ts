/**
 * TLS to NATS: its files, and what to change where it fails.
 *
 * With TLS 1.3 a server refuses a client's certificate after the client believes that all is well; and one with
 * `handshake_first` says nothing to who does not know. Of both the client library says only that time went by, so
 * `whyNoAnswer` knocks once itself.
 */
import { readFileSync } from "node:fs";
import { connect as connectPlain, isIP, type Socket } from "node:net";
import {
  checkServerIdentity,
  createSecureContext,
  connect as startTls,
  type TLSSocket,
} from "node:tls";
import type { NatsTlsOptions } from "./options.ts";
import { NatsServerError } from "./options.ts";

/** @throws NatsServerError: waiting does not bring the file */
export function readOrRefuse(file: string, what: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new NatsServerError(`${what} for NATS cannot be read: ${why}`, { cause });
  }
}

interface Secrets {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** @throws NatsServerError when a file cannot be read, holds something else, or two do not go together */
export function readTlsFiles({ caFile, certFile, keyFile }: NatsTlsOptions): Secrets {
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw new NatsServerError(
      "of TLS for NATS a certificate and its key are given together, or none",
    );
  }
  const read = (file: string, kind: "certificate" | "key"): Buffer => {
    const bytes = readOrRefuse(file, "a file of TLS");
    const isThere = /-----BEGIN (\w+ )*(CERTIFICATE|PRIVATE KEY)-----/.exec(
      bytes.toString("latin1"),
    );
    if (isThere?.[2] !== (kind === "key" ? "PRIVATE KEY" : "CERTIFICATE")) {
      throw new NatsServerError(`${file}, for TLS to NATS, holds no ${kind} in PEM`);
    }
    return bytes;
  };
  const secrets: Secrets = {
    ...(caFile === undefined ? {} : { ca: read(caFile, "certificate") }),
    ...(certFile === undefined ? {} : { cert: read(certFile, "certificate") }),
    ...(keyFile === undefined ? {} : { key: read(keyFile, "key") }),
  };
  try {
    createSecureContext(secrets);
  } catch (cause) {
    const files = [caFile, certFile, keyFile].filter((file) => file !== undefined).join(", ");
    throw new NatsServerError(
      `the files of TLS for NATS cannot be used (${files}): ${messageOf(cause)}. A certificate goes with its own key, without a password.`,
      { cause },
    );
  }
  return secrets;
}

/**
 * Whose certificate it must be: that of a host which was given. The client library tells Node no name of servers that it
 * was given by address, or heard of from others after it had connected; Node then compares with "localhost".
 * @param hosts without ports and brackets
 */
export function identityOf(hosts: readonly string[]): typeof checkServerIdentity {
  return (name, certificate) => {
    const faults = (name === "localhost" ? hosts : [name]).map((host) =>
      checkServerIdentity(host, certificate),
    );
    return faults.includes(undefined) ? undefined : faults[0];
  };
}

/** By the code that Node gives to what OpenSSL says. */
const sentences: readonly (readonly [code: RegExp, sentence: string])[] = [
  [
    /^(UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?|CERT_UNTRUSTED|INVALID_CA|CERT_SIGNATURE_FAILURE)$/,
    "its certificate is of an authority that is not trusted here: give that authority's certificate by --nats-tls-ca-file",
  ],
  [
    /^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/,
    "its certificate is no longer or not yet valid: renew it there, or set the clock of this machine",
  ],
  [
    /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    "its certificate is for other names than the one in --nats-servers: use one of them, or add this one to it",
  ],
  [
    /^ERR_SSL_WRONG_VERSION_NUMBER$/,
    "it speaks first, and without TLS: leave out --nats-tls-handshake-first",
  ],
  [
    /ALERT_CERTIFICATE_REQUIRED$/,
    "it wants a certificate from its clients: give one by --nats-tls-cert-file and --nats-tls-key-file",
  ],
  [
    /ALERT_(BAD_CERTIFICATE|UNKNOWN_CA|(UNSUPPORTED_)?CERTIFICATE(_EXPIRED|_REVOKED|_UNKNOWN)?|ACCESS_DENIED)$/,
    "it does not accept our certificate: that of --nats-tls-cert-file must be valid, and of an authority in its ca_file",
  ],
  [
    /PROTOCOL_VERSION$|UNSUPPORTED_PROTOCOL$/,
    "it has no version of TLS in common with us (1.2, 1.3)",
  ],
];

/** What OpenSSL says with what to change; undefined when it is nothing of TLS. */
export function tlsTrouble(error: unknown): string | undefined {
  const code = codeOf(error);
  const known = sentences.find(([pattern]) => pattern.test(code))?.[1];
  if (known !== undefined) {
    return `${known} (${reasonOf(error)})`;
  }
  return messageOf(error) === "server does not support 'tls'"
    ? "it has no TLS: add a tls block to its configuration, or use nats:// without --nats-tls-…"
    : undefined;
}

/** For what a server says of itself, and for it to hang up; ms. */
const patienceMs = 2_000;

/**
 * Knocks once at a server that did not answer the client library.
 * @param server `host:port`
 * @returns why, with what to change; undefined when nothing is found
 */
export async function whyNoAnswer(
  server: string,
  tls: NatsTlsOptions | undefined,
): Promise<string | undefined> {
  const { hostname: host, port } = new URL(`nats://${server}`);
  const socket = connectPlain({ host: host.replace(/^\[|\]$/g, ""), port: Number(port || 4222) });
  try {
    const said = tls?.handshakeFirst === true ? "INFO" : await firstWords(socket);
    if (said === undefined) {
      return undefined;
    }
    if (!said.startsWith("INFO")) {
      return said === ""
        ? "it says nothing, as a server with handshake_first (--nats-tls-handshake-first), a monitoring port (8222) or no NATS at all"
        : `it is no NATS server: it begins with "${said.slice(0, 40)}"`;
    }
    const secure = startTls({
      ...{ socket, ...readTlsFiles(tls ?? {}) },
      ...(isIP(host) === 0 ? { servername: host } : { host }),
    });
    return tlsTrouble(await hangUp(secure));
  } finally {
    socket.destroy();
  }
}

/** The first line; empty when there is none in time, undefined when nobody is there. */
async function firstWords(socket: Socket): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  socket.setTimeout(patienceMs, () => resolve(""));
  socket.once("data", (bytes) => resolve(bytes.toString("latin1").split("\r\n")[0] ?? ""));
  socket.once("end", () => resolve(""));
  socket.once("error", () => resolve(undefined));
  const words = await promise;
  socket.removeAllListeners();
  socket.on("error", () => undefined);
  return words;
}

/** What the connection ends with; undefined when it does not end in time. */
async function hangUp(secure: TLSSocket): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  secure.setTimeout(patienceMs, () => resolve(undefined));
  secure.on("error", resolve);
  secure.once("close", () => resolve(undefined));
  // Reading is what brings the alert.
  secure.resume();
  return await promise.finally(() => secure.destroy());
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

/** OpenSSL's messages have places in its code around the reason. */
function reasonOf(error: unknown): string {
  const has = error instanceof Error && "reason" in error && typeof error.reason === "string";
  return has ? String(error.reason) : (messageOf(error).split(";")[0] ?? "");
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
