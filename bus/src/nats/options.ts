import type { JobQueueOptions } from "../contract.ts";

/** How to reach NATS, and what is set up there. Both sides must be given the same `ackWaitMs` and `replicas`. */
export interface NatsOptions extends Partial<JobQueueOptions> {
  /** `nats://host:4222` or `tls://…`, several for a cluster. User and password, or a token, may be part of it. */
  readonly servers: string | readonly string[];
  /** Shown in the server's list of connections. */
  readonly name?: string;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly token?: string | undefined;
  /** A `.creds` file (JWT and seed); read again at every connect, so that it can be renewed. */
  readonly credentialsFile?: string | undefined;
  readonly tls?: NatsTlsOptions | undefined;
  /** Copies of each stream in a cluster. */
  readonly replicas?: number;
  /** For one request, and for one chunk of an asset. */
  readonly requestTimeoutMs?: number;
  /** How long the first connection may take, server and JetStream not yet running included. */
  readonly connectTimeoutMs?: number;
  /** Gives up connecting. */
  readonly signal?: AbortSignal;
  /** For logs. */
  readonly onEvent?: (event: NatsEvent) => void;
}

export interface NatsTlsOptions {
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  /** TLS from the first byte, as the server's `handshake_first`. */
  readonly handshakeFirst?: boolean | undefined;
}

export type NatsEvent =
  /** Connected, and everything is set up. */
  | { readonly kind: "up"; readonly server: string; readonly version: string }
  | { readonly kind: "down"; readonly reason: string }
  /** Something failed and is tried again. */
  | { readonly kind: "trouble"; readonly what: string; readonly error: unknown };

/** Large enough for 8 MB over a slow link. */
export const defaultRequestTimeoutMs = 10_000;
export const defaultConnectTimeoutMs = 30_000;

/** The server is there and cannot be used; trying again does not help. */
export class NatsServerError extends Error {
  override name = "NatsServerError";
  readonly code = "nats-server";
}
