/** `@turntable/client/web`: the same client for browsers, over the Connect protocol on the coordinator's HTTP port. */
import { sha256 } from "@noble/hashes/sha2.js";
import type { CreateSha256 } from "./bytes.ts";
import { systemTiming } from "./retry.ts";
import { type ClientOptions, createClient, type TurntableClient } from "./turntable-client.ts";
import { createWebTransport, type WebOptions } from "./web-transport.ts";

export * from "./api.ts";
export type { SignWebCall } from "./web-transport.ts";
export { WalletError, type WebWalletOptions, walletSigner } from "./web-wallet.ts";

/** Options of `createTurntableClient` in browsers. */
export interface TurntableWebClientOptions extends WebOptions, ClientOptions {}

/**
 * Creates a client; it is disposed when no longer needed, which ends its calls.
 * @throws InvalidOptionError for a URL or key that cannot be used.
 */
export function createTurntableClient(options: TurntableWebClientOptions): TurntableClient {
  const transport = createWebTransport(options);
  return createClient(options, { transport, createSha256, timing: systemTiming });
}

const createSha256: CreateSha256 = () => {
  const hash = sha256.create();
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest() };
};
