/**
 * TLS for gRPC: certificates from files, read again when they change. What is there is used on while new files do not
 * fit each other, as they do not while somebody writes them.
 */
import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { experimental, ServerCredentials } from "@grpc/grpc-js";
import { startLoop } from "@turntable/process";

export interface TlsFiles {
  /** PEM: the server's certificate, then those between it and the root. */
  readonly certFile: string;
  /** PEM, without a password. */
  readonly keyFile: string;
  /** PEM: who has a certificate of one of these authorities may connect, and nobody else. */
  readonly clientCaFile?: string | undefined;
}

export interface Certificates extends AsyncDisposable {
  readonly credentials: ServerCredentials;
}

export interface CertificateOptions {
  /** Told once for each content of the files that cannot be used. */
  readonly onTrouble: (what: string, error: unknown) => void;
  /** Between two looks at the files, in ms. */
  readonly everyMs?: number;
}

/** Certificates are renewed weeks before they end: nobody waits for seconds. */
const defaultEveryMs = 10_000;

interface Pems {
  readonly certificate: Buffer;
  readonly privateKey: Buffer;
  readonly caCertificate: Buffer | undefined;
}

/** Credentials without TLS. */
export const plainCredentials = (): ServerCredentials => ServerCredentials.createInsecure();

/**
 * Reads the files, and again and again until it is disposed.
 * @throws Error naming the files when they cannot be used at the start
 */
export async function watchCertificates(
  files: TlsFiles,
  { onTrouble, everyMs = defaultEveryMs }: CertificateOptions,
): Promise<Certificates> {
  let current = await readPems(files);
  /** What was tried last, whether it could be used or not. */
  let tried = current;
  const identityListeners = new Set<experimental.IdentityCertificateUpdateListener>();
  const caListeners = new Set<experimental.CaCertificateUpdateListener>();
  const caUpdate = () =>
    current.caCertificate === undefined ? null : { caCertificate: current.caCertificate };
  // Whoever begins to listen is told when it is ready: grpc-js hands the news on to nobody yet while it registers.
  const provider: experimental.CertificateProvider = {
    addIdentityCertificateListener(listener) {
      identityListeners.add(listener);
      queueMicrotask(() => listener(current));
    },
    removeIdentityCertificateListener: (listener) => void identityListeners.delete(listener),
    addCaCertificateListener(listener) {
      caListeners.add(listener);
      queueMicrotask(() => listener(caUpdate()));
    },
    removeCaCertificateListener: (listener) => void caListeners.delete(listener),
  };
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
      for (const listener of caListeners) {
        listener(caUpdate());
      }
      for (const listener of identityListeners) {
        listener(current);
      }
    },
    onTrouble: (error) => onTrouble("new certificates cannot be used, the old ones are", error),
  });
  const { clientCaFile } = files;
  return {
    credentials: experimental.createCertificateProviderServerCredentials(
      provider,
      clientCaFile === undefined ? null : provider,
      clientCaFile !== undefined,
    ),
    [Symbol.asyncDispose]: () => loop[Symbol.asyncDispose](),
  };
}

async function readPems(files: TlsFiles): Promise<Pems> {
  const pems = await readFiles(files);
  check(pems, files);
  return pems;
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
    createSecureContext({
      ...{ cert: certificate, key: privateKey },
      ...(caCertificate === undefined ? {} : { ca: caCertificate }),
    });
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
