export * from "./api.ts";
export {
  createTurntableClient,
  type TurntableClientOptions,
} from "./client.ts";
export type { TlsOptions } from "./grpc-transport.ts";
