/**
 * Certificates for TLS from files, read again when they change. What is there is used on while new files do not fit each
 * other, as they do not while somebody writes them.
 */
import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { startLoop } from "./loop.ts";

export interface TlsFiles {
  /** PEM: the server's certificate, then those between it and the root. */
  readonly certFile: string;
  /** PEM, without a password. */
  readonly keyFile: string;
  /** PEM: authorities of clients' certificates. */
  readonly clientCaFile?: string | undefined;
}

/** What the files had in them; each is PEM. */
export interface Pems {
  readonly certificate: Buffer;
  readonly privateKey: Buffer;
  readonly caCertificate: Buffer | undefined;
}

export interface CertificateOptions {
  /** Told once for each content of the files that cannot be used. */
  readonly onTrouble: (what: string, error: unknown) => void;
  /** Between two looks at the files, in ms; ten seconds when nothing is said. */
  readonly everyMs?: number | undefined;
}

/** Files that are looked at until it is disposed. */
export interface Certificates extends AsyncDisposable {
  /** What is to be used now. */
  current(): Pems;
  /** @returns what ends the telling */
  onChange(listener: (pems: Pems) => void): () => void;
}

/** Certificates are renewed weeks before they end: nobody waits for seconds. */
const defaultEveryMs = 10_000;

/** @throws Error naming the files when they cannot be used at the start */
export async function watchCertificates(
  files: TlsFiles,
  { onTrouble, everyMs = defaultEveryMs }: CertificateOptions,
): Promise<Certificates> {
  let current = await readFiles(files);
  check(current, files);
  /** What was tried last, whether it could be used or not. */
  let tried = current;
  const listeners = new Set<(pems: Pems) => void>();
  const loop = startLoop({
    everyMs,
    async run() {
      const found = await readFiles(files);
      if (isSame(found, tried)) {
        return;
      }
      tried = found;
      check(found, files);
      current = found;
      for (const listener of listeners) {
        listener(current);
      }
    },
    onTrouble: (error) => onTrouble("new certificates cannot be used, the old ones are", error),
  });
  return {
    current: () => current,
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    [Symbol.asyncDispose]: () => loop[Symbol.asyncDispose](),
  };
}

async function readFiles({ certFile, keyFile, clientCaFile }: TlsFiles): Promise<Pems> {
  const [certificate, privateKey, caCertificate] = await Promise.all([
    readFile(certFile),
    readFile(keyFile),
    clientCaFile === undefined ? undefined : readFile(clientCaFile),
  ]);
  return { certificate, privateKey, caCertificate };
}

/** @throws Error when they do not fit each other */
function check({ certificate, privateKey, caCertificate }: Pems, files: TlsFiles): void {
  try {
    createSecureContext({ cert: certificate, key: privateKey, ca: caCertificate });
  } catch (cause) {
    const names = [files.certFile, files.keyFile, files.clientCaFile].filter(Boolean).join(", ");
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${names}: no certificate and key that fit each other (${reason})`, { cause });
  }
}

function isSame(a: Pems, b: Pems): boolean {
  const same = (one: Buffer | undefined, other: Buffer | undefined): boolean =>
    one === undefined || other === undefined ? one === other : one.equals(other);
  return (
    same(a.certificate, b.certificate) &&
    same(a.privateKey, b.privateKey) &&
    same(a.caCertificate, b.caCertificate)
  );
}
