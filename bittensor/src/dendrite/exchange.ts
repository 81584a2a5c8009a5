/** One HTTP exchange with an axon: bytes out, bytes in, or the way in which it failed. */
import { type Agent, type IncomingMessage, request } from "node:http";
import { gunzip, inflate } from "node:zlib";
import type { SignedRequest } from "./request.ts";

export type ExchangeOutcome =
  | {
      readonly kind: "answered";
      readonly status: number;
      readonly headers: IncomingMessage["headers"];
      readonly body: Buffer;
    }
  /** No connection came about. */
  | { readonly kind: "unreachable"; readonly error: Error }
  /** The connection broke before the head of an answer. */
  | { readonly kind: "disconnected"; readonly error: Error }
  /** The answer broke off, can't be unpacked, or is longer than allowed. */
  | { readonly kind: "brokenBody"; readonly error: Error }
  /** What came is not HTTP, or its headers are too long. */
  | { readonly kind: "notHttp"; readonly error: Error }
  | { readonly kind: "timeout" };

export interface ExchangeOptions {
  readonly host: string;
  readonly port: number;
  readonly agent: Agent;
  readonly maxBodyBytes: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** @throws the signal's reason */
export async function exchange(
  signed: SignedRequest,
  options: ExchangeOptions,
): Promise<ExchangeOutcome> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), options.timeoutMs);
  const signal =
    options.signal === undefined
      ? timeout.signal
      : AbortSignal.any([options.signal, timeout.signal]);
  try {
    let outcome = await attempt(signed, options, signal);
    // A pooled connection may have been closed by the axon just now. The same bytes again are safe: had they been
    // taken, their nonce is used up.
    if (outcome.kind === "disconnected" && outcome.reused) {
      outcome = await attempt(signed, options, signal);
    }
    options.signal?.throwIfAborted();
    return timeout.signal.aborted && outcome.kind !== "answered" ? { kind: "timeout" } : outcome;
  } finally {
    clearTimeout(timer);
  }
}

type Attempt = ExchangeOutcome & { readonly reused?: boolean };

function attempt(
  { path, headers, body }: SignedRequest,
  options: ExchangeOptions,
  signal: AbortSignal,
): Promise<Attempt> {
  const { host, port, agent } = options;
  const shownHost = host.includes(":") ? `[${host}]` : host;
  return new Promise((resolve) => {
    const req = request({
      host,
      port,
      agent,
      path,
      method: "POST",
      headers: ["Host", `${shownHost}:${port}`, ...headers],
      maxHeaderSize: maxHeaderBytes,
      signal,
    });
    let connected = false;
    req.once("socket", (socket) => {
      if (socket.connecting) {
        socket.once("connect", () => (connected = true));
      } else {
        connected = true;
      }
    });
    req.once("error", (error: Error & { code?: string }) => {
      if (error.code?.startsWith("HPE_") === true) {
        resolve({ kind: "notHttp", error });
      } else if (connected) {
        resolve({ kind: "disconnected", error, reused: req.reusedSocket });
      } else {
        resolve({ kind: "unreachable", error });
      }
    });
    req.once("response", (res) => {
      collect(res, options.maxBodyBytes).then(
        (bytes) =>
          resolve({
            kind: "answered",
            status: res.statusCode ?? 0,
            headers: res.headers,
            body: bytes,
          }),
        (error: unknown) => {
          res.destroy();
          resolve({
            kind: "brokenBody",
            error: error instanceof Error ? error : new Error(String(error)),
          });
        },
      );
    });
    req.end(body);
  });
}

/** As the Python client's limit for one header, times four for all of them. */
const maxHeaderBytes = 32 * 1024;

async function collect(res: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of res as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) {
      throw new Error(`the answer exceeds ${maxBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return unpack(Buffer.concat(chunks, size), res.headers["content-encoding"], maxBytes);
}

async function unpack(
  bytes: Buffer,
  encoding: string | undefined,
  maxBytes: number,
): Promise<Buffer> {
  switch (encoding?.toLowerCase() ?? "") {
    case "":
    case "identity":
      return bytes;
    case "gzip":
      return unzip(gunzip, bytes, maxBytes);
    case "deflate":
      return unzip(inflate, bytes, maxBytes);
    default:
      throw new Error(`the answer has an encoding that was not asked for: ${encoding}`);
  }
}

/** Inflates no further than the limit, so a small answer can't fill the memory. */
function unzip(unpacker: typeof gunzip, bytes: Buffer, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    unpacker(bytes, { maxOutputLength: maxBytes }, (error, unpacked) =>
      error === null ? resolve(unpacked) : reject(error),
    );
  });
}
