import type { JobQueueOptions } from "../contract.ts";

/** How to reach NATS, and who one is there. */
export interface NatsOptions {
  /** `nats://host:4222` or `tls://…`, several for a cluster. User and password, or a token, may be part of it. */
  readonly servers: string | readonly string[];
  /** Shown in the server's list of connections. */
  readonly name?: string;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** The user's password is in there, on the first line; read again at every connect, as the other files are. */
  readonly passwordFile?: string | undefined;
  readonly token?: string | undefined;
  /** A `.creds` file (JWT and seed). */
  readonly credentialsFile?: string | undefined;
  /** A file with the seed of an NKEY (`SU…`), whose public key the server's configuration names. */
  readonly nkeyFile?: string | undefined;
  readonly tls?: NatsTlsOptions | undefined;
  /** For one request, and for one chunk of an asset. */
  readonly requestTimeoutMs?: number;
  /** How long the first connection may take, server and JetStream not yet running included. */
  readonly connectTimeoutMs?: number;
  /** Gives up connecting. */
  readonly signal?: AbortSignal;
  /** For logs. */
  readonly onEvent?: (event: NatsEvent) => void;
}

/** When the coordinator looks for large assets that nobody needs any more. */
export interface SweepOptions {
  readonly everyMs: number;
  /** What is younger is left alone: longer than any job takes from its object to its place in the queue. */
  readonly marginMs: number;
  /** What dead letters and their assets take at most, from one look to the next. */
  readonly letterBytes: number;
}

/** What the coordinator sets up besides; the others find it there. */
export interface NatsQueueOptions extends NatsOptions, Partial<JobQueueOptions> {
  /** Copies of each stream in a cluster. */
  readonly replicas?: number;
  /** When large assets that nobody needs any more are looked for; every ten minutes when absent. */
  readonly sweep?: Partial<SweepOptions>;
}

/**
 * Who connects. Each has inboxes of its own, which the permissions of the others do not reach (permissions.ts): a
 * caller queues jobs of its own and hears their results.
 */
export type NatsRole = "coordinator" | "worker" | "caller";

/** The first token of the role's inboxes. */
export const inboxPrefixOf = (role: NatsRole): string => `_INBOX_${role}`;

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
