import type { Keypair } from "../keys/index.ts";
import type { InputOf, Synapse, ValuesOf } from "../synapse/index.ts";
import type { AxonThreads } from "./axon-threads.ts";
import type { AxonLimits, Refusal } from "./limits.ts";
import type { NonceStore } from "./nonces.ts";

/** What is known of a caller before its body is read. */
export interface Caller {
  /** The hotkey that the headers claim; proven only once the signature was verified. */
  readonly hotkey: string;
  /** IP address of the connection. */
  readonly remoteAddress: string;
  /** The SDK's version number, e.g. 694 or 9012002; undefined when the caller did not say. */
  readonly sdkVersion: number | undefined;
}

export interface AxonCall<S> extends Caller {
  /** The caller's body, parsed; fields left out have their defaults, and the class's payload is "". */
  readonly fields: ValuesOf<S>;
  /** What the class's payload field carried; undefined for classes without one, and when it was no text. */
  readonly payload: Payload | undefined;
  /**
   * Tells that the handler does not hold the payload any more, e.g. because it is on disk: others may send theirs.
   * Happens by itself when the handler is done.
   */
  readonly releaseBody: () => void;
  /**
   * Whether the caller's hotkey signed the text, as it is or wrapped in `<Bytes>`; found out away from the main thread.
   * @param signature 64 bytes
   */
  readonly hasSigned: (text: string, signature: Uint8Array) => Promise<boolean>;
  /** Unix ms at which the headers had arrived. */
  readonly receivedAt: number;
  /** Seconds after which the caller gives up, as it says itself; undefined when it does not. */
  readonly timeoutS: number | undefined;
  /** Aborted when the caller hangs up, and when the axon shuts down. */
  readonly signal: AbortSignal;
}

export type Payload =
  | {
      readonly kind: "bytes";
      readonly sizeBytes: number;
      /** Hex */
      readonly sha256: string;
      /** Hands the bytes out, once: the axon holds them no longer. */
      take(): Uint8Array;
    }
  /** Not standard base64 with padding. */
  | { readonly kind: "malformed" };

/** The checks run in this order: blacklist, signature and nonce, admit, body, handle. */
export interface AxonHandler<S extends Synapse> {
  /**
   * Stateless check of the still unproven hotkey, to turn strangers away cheaply: a reason refuses with 403. It must
   * not count or remember anything, since anybody can claim any hotkey here. Without it everybody is welcome.
   */
  readonly blacklist?: (caller: Caller) => string | undefined;
  /** Limits that keep state, for the proven hotkey, before its body is read: a reason refuses with 403. */
  readonly admit?: (caller: Caller) => string | undefined;
  /** Fields of the answer; those left out keep what the caller sent or their defaults. May throw AxonError. */
  readonly handle: (call: AxonCall<S>) => Promise<InputOf<S>> | InputOf<S>;
}

/** A synapse with its handler. Make it with `route`, which checks that they fit. */
export interface AxonRoute {
  readonly synapse: Synapse;
  readonly handler: AxonHandler<Synapse>;
}

/** One request, told once it has ended: for logs and metrics. */
export interface AxonEvent {
  /** Name of the class, or undefined when it is not one of ours (paths are the caller's text). */
  readonly synapse: string | undefined;
  /** The claimed hotkey; `verified` says whether it was proven. */
  readonly hotkey: string | undefined;
  readonly verified: boolean;
  readonly remoteAddress: string;
  readonly sdkVersion: number | undefined;
  readonly status: number;
  readonly message: string;
  /** Bytes of the request's body, as far as it was read. */
  readonly bodyBytes: number;
  /** ms from headers to the answer handed to the socket; the phases within it. */
  readonly durationMs: number;
  readonly verifyMs: number;
  readonly bodyMs: number;
  readonly handleMs: number;
  /** The caller had gone before the answer. */
  readonly hungUp: boolean;
  /** What a handler threw that was no AxonError, or another fault of ours. */
  readonly error: unknown;
  /** The id that a 500 shows the caller. */
  readonly errorId: string | undefined;
}

export interface AxonOptions {
  readonly hotkey: Keypair;
  /** 0.0.0.0 by default: callers on this machine dial that address when our external one is theirs. */
  readonly host?: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly routes: readonly AxonRoute[];
  readonly nonces: NonceStore;
  readonly limits?: Partial<AxonLimits>;
  /** The threads that all axons of the process share; they stay open when this one stops. By default it has its own. */
  readonly threads?: AxonThreads;
  /** Refuses nonces from the future, from this many ms ahead on; 60,000 by default, Infinity to accept all. */
  readonly maxAheadMs?: number;
  /** Unix ms */
  readonly now?: () => number;
  /** Called in the trace of the request. */
  readonly onRequest?: (event: AxonEvent) => void;
  /** A limit was reached; what never became a call is told here alone. */
  readonly onRefused?: (refusal: Refusal) => void;
}

export interface Axon extends AsyncDisposable {
  readonly port: number;
  /** Those that are open just now. */
  readonly connections: number;
  readonly hotkey: string;
}
