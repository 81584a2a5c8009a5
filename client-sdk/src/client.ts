/** The client over gRPC, for Node. */
import { createHash } from "node:crypto";
import type { CreateSha256 } from "./bytes.ts";
import { createGrpcTransport, type GrpcOptions } from "./grpc-transport.ts";
import { systemTiming, type Timing } from "./retry.ts";
import { type ClientOptions, createClient, type TurntableClient } from "./turntable-client.ts";

export type * from "./turntable-client.ts";

/** Options of `createTurntableClient`. */
export interface TurntableClientOptions extends GrpcOptions, ClientOptions {}

/**
 * Creates a client; it connects with its first call and is disposed when no longer needed.
 * @throws InvalidOptionError for an address or key that cannot be used.
 */
export function createTurntableClient(
  options: TurntableClientOptions,
  timing: Timing = systemTiming,
): TurntableClient {
  return createClient(options, { transport: createGrpcTransport(options), createSha256, timing });
}

const createSha256: CreateSha256 = () => {
  const hash = createHash("sha256");
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest() };
};
