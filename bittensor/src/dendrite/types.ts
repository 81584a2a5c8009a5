import type { Keypair } from "../keys/index.ts";
import type { InputOf, Synapse, Terminal, ValuesOf } from "../synapse/index.ts";

export interface DendriteOptions {
  readonly hotkey: Keypair;
  /**
   * Our own address as others see it. A target at the same address is dialled at 0.0.0.0, since many routers do not
   * lead back.
   */
  readonly externalIp?: string;
  /** The SDK version we claim to be; 9009000 by default. */
  readonly sdkVersion?: number;
  /** Which SDKs' words failures have that never reached the axon; `current` (7.4 and later) by default. */
  readonly wording?: "current" | "legacy";
  /** Unix ms */
  readonly now?: () => number;
}

/** An axon as the metagraph names it. */
export interface AxonTarget {
  readonly ip: string;
  readonly port: number;
  readonly hotkey: string;
}

export interface CallOptions<S extends Synapse> {
  readonly target: AxonTarget;
  /** The required fields, and those that differ from their defaults. */
  readonly body: InputOf<S>;
  /** ms for the whole call; the synapse's own by default. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** How a call ended. `status` and `message` are what Python's `dendrite.status_code` and `status_message` would be. */
export type CallOutcome<S> =
  | {
      readonly kind: "ok";
      readonly fields: ValuesOf<S>;
      readonly status: 200;
      readonly message: string;
      /** What the axon says of itself. */
      readonly axon: Terminal;
      readonly durationMs: number;
    }
  | {
      readonly kind: "failure";
      /** The axon answered; otherwise the call never got that far. */
      readonly answered: boolean;
      readonly status: number | null;
      readonly message: string | null;
      readonly axon: Terminal;
      readonly durationMs: number;
      readonly error?: Error;
    };

export interface Dendrite extends AsyncDisposable {
  readonly hotkey: string;
  /** UUID version 1; the axon's memory of our nonces goes by it. */
  readonly uuid: string;
  /** Never throws for what happens on the network. Throws the signal's reason, and FieldError for a broken body. */
  call<S extends Synapse>(synapse: S, options: CallOptions<S>): Promise<CallOutcome<S>>;
}
