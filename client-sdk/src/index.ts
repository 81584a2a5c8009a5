export * from "./api.ts";
export {
  createTurntableClient,
  type TurntableClientOptions,
} from "./client.ts";
export type { ClientCertificate, SignCall, TlsOptions } from "./grpc-transport.ts";
