/** TLS for gRPC, with certificates that are read again when they change. */
import { experimental, ServerCredentials } from "@grpc/grpc-js";
import {
  type CertificateOptions,
  type Pems,
  type TlsFiles,
  watchCertificates,
} from "@turntable/process";

/** Credentials without TLS. */
export const plainCredentials = (): ServerCredentials => ServerCredentials.createInsecure();

/**
 * Credentials from files, which are looked at until it is disposed. With an authority for clients, nobody without one of
 * its certificates connects.
 * @throws Error naming the files when they cannot be used at the start
 */
export async function openTlsCredentials(
  files: TlsFiles,
  options: CertificateOptions,
): Promise<AsyncDisposable & { readonly credentials: ServerCredentials }> {
  const certificates = await watchCertificates(files, options);
  /** What ends the telling of grpc-js's listeners. */
  const ends = new Map<object, () => void>();
  // Whoever begins to listen is told when it is ready: grpc-js hands the news on to nobody yet while it registers.
  const add = <Update>(listener: (update: Update) => void, updateOf: (pems: Pems) => Update) => {
    const tell = (pems: Pems): void => listener(updateOf(pems));
    ends.set(listener, certificates.onChange(tell));
    queueMicrotask(() => tell(certificates.current()));
  };
  const remove = (listener: object): void => {
    ends.get(listener)?.();
    ends.delete(listener);
  };
  const provider: experimental.CertificateProvider = {
    addIdentityCertificateListener: (listener) => add(listener, (pems) => pems),
    removeIdentityCertificateListener: remove,
    addCaCertificateListener: (listener) =>
      add(listener, ({ caCertificate }) =>
        caCertificate === undefined ? null : { caCertificate },
      ),
    removeCaCertificateListener: remove,
  };
  const asksClients = files.clientCaFile !== undefined;
  return {
    credentials: experimental.createCertificateProviderServerCredentials(
      provider,
      asksClients ? provider : null,
      asksClients,
    ),
    [Symbol.asyncDispose]: () => certificates[Symbol.asyncDispose](),
  };
}
