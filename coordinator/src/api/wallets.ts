/**
 * Callers that sign with their wallet instead of sending a key: the headers of `btauth/1`, over method, path, body, time
 * and nonce, for our hotkey. Each request passes once, also over a restart, whose first two seconds take none.
 */
import { createVerifier } from "@turntable/bittensor/btauth";
import type { CallContext } from "@turntable/proto/rpc";
import type { CallLimits } from "../keys/index.ts";
import { createCallCounts } from "./call-counts.ts";
import { permissionDenied, unauthenticated, unavailable } from "./errors.ts";

export interface WalletOptions {
  /** Whom requests have to be signed for: our hotkey, ss58. */
  readonly receiver: string;
  /** Whether this hotkey (ss58) may call. */
  readonly isAllowed: (hotkey: string) => boolean;
}

/** Who signed a call; undefined for one that is not signed. */
export type WalletReader = (call: CallContext) => string | undefined;

/** How much one hotkey may ask. */
export const walletLimits: CallLimits = { callsPerMinute: 600, concurrentCalls: 64 };
/** Signatures looked at, of all callers: each costs a third of a millisecond, whoever made it. */
const verifications = { id: "", limits: { callsPerMinute: 6_000, concurrentCalls: 0 } };
const names = ["version", "hotkey", "nonce", "signature", "crypto", "receiver"].map(
  (name) => `x-bittensor-${name}`,
);

/** @throws RpcError from the reader: a signature that proves nothing, or a hotkey that may not call */
export function createWalletReader(
  { receiver, isAllowed }: WalletOptions,
  now: () => number,
): WalletReader {
  const verifier = createVerifier({ receiver, now, since: now() });
  const counts = createCallCounts();
  return ({ headers, path, body }) => {
    if (headers.get("x-bittensor-signature") === undefined) {
      return undefined;
    }
    const hotkey = headers.get("x-bittensor-hotkey") ?? "";
    if (!isAllowed(hotkey)) {
      throw permissionDenied("this hotkey is not among those that may call");
    }
    counts.begin(verifications, now())[Symbol.dispose]();
    const given = Object.fromEntries(names.map((name) => [name, headers.get(name)]));
    const request = { method: "POST", path, body: body ?? new Uint8Array() };
    const outcome = verifier.verify(given, request);
    if (outcome.kind === "refused") {
      const text = `${outcome.error}: ${outcome.message}`;
      const { retryAfterMs } = outcome;
      // Clients call again by themselves then, with a new signature.
      throw retryAfterMs === undefined ? unauthenticated(text) : unavailable(text, retryAfterMs);
    }
    return outcome.hotkey;
  };
}
