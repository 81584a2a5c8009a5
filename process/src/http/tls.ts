/** TLS of a plain HTTP server, and which of its routes are for clients with a certificate. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server, type ServerOptions } from "node:https";
import { type SecureContextOptions, TLSSocket } from "node:tls";
import {
  type CertificateOptions,
  type Pems,
  type TlsFiles,
  watchCertificates,
} from "../certificates.ts";
import { HttpError } from "./errors.ts";

/** Certificates of a server, looked at again and again. */
export interface HttpTls extends TlsFiles, CertificateOptions {}

/**
 * A server that is not listening yet, and uses what the files have in them until it is disposed.
 * @throws Error naming the files when they cannot be used
 */
export async function createTlsServer(
  tls: HttpTls,
  settings: ServerOptions,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<AsyncDisposable & { readonly server: Server }> {
  const certificates = await watchCertificates(tls, tls);
  const server = createServer(
    {
      ...settings,
      ...contextOf(certificates.current()),
      requestCert: tls.clientCaFile !== undefined,
      // Probes have none; `checkCertificate` refuses all else, with an answer that says why.
      rejectUnauthorized: false,
    },
    answer,
  );
  certificates.onChange((pems) => server.setSecureContext(contextOf(pems)));
  return { server, [Symbol.asyncDispose]: () => certificates[Symbol.asyncDispose]() };
}

/**
 * Refuses a request whose connection has no certificate of a client's authority.
 * @throws HttpError 403
 */
export function checkCertificate({ socket }: IncomingMessage): void {
  if (!(socket instanceof TLSSocket && socket.authorized)) {
    throw new HttpError(
      403,
      "no-certificate",
      "a client certificate of an authority that this server trusts is needed",
    );
  }
}

function contextOf({ certificate, privateKey, caCertificate }: Pems): SecureContextOptions {
  return { cert: certificate, key: privateKey, ca: caCertificate };
}
