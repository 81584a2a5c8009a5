/**
 * `btauth/1`: the signed HTTP headers that SDK 11 has in place of axon and dendrite. Signer, receiver, method, path and
 * body are all covered by the signature.
 */
import { createHash } from "node:crypto";
import { isSs58, type Keypair, verifySignature } from "../keys/index.ts";

/** What of a request is signed. */
export interface SignedRequest {
  readonly method: string;
  /** With its query, exactly as sent. */
  readonly path: string;
  readonly body: Uint8Array;
}

export interface SignOptions {
  /** ss58 of whom it is for. Without one, receivers refuse it by default. */
  readonly receiver?: string;
  /** Nanoseconds since 1970; must differ from call to call. Now by default. */
  readonly nonce?: bigint;
}

/** The headers to send along. */
export function signHeaders(
  sender: Keypair,
  request: SignedRequest,
  options: SignOptions = {},
): Readonly<Record<string, string>> {
  const { receiver, nonce = BigInt(Date.now()) * 1_000_000n } = options;
  const message = signedText(request, nonce, sender.ss58, receiver);
  return {
    "X-Bittensor-Version": "1",
    "X-Bittensor-Hotkey": sender.ss58,
    "X-Bittensor-Nonce": nonce.toString(),
    "X-Bittensor-Signature": `0x${Buffer.from(sender.sign(message)).toString("hex")}`,
    ...(receiver === undefined ? {} : { "X-Bittensor-Receiver": receiver }),
  };
}

export type AuthError =
  | "MalformedAuth"
  | "WrongReceiver"
  | "StaleRequest"
  | "BadSignature"
  | "ReplayedRequest";

export type AuthOutcome =
  | { readonly kind: "verified"; readonly hotkey: string; readonly nonce: bigint }
  | {
      readonly kind: "refused";
      readonly error: AuthError;
      readonly message: string;
      /** The same request, signed anew, may pass after so long, in ms; absent where time changes nothing. */
      readonly retryAfterMs?: number;
    };

export interface VerifierOptions {
  /** Our own ss58. */
  readonly receiver: string;
  /** Takes requests that name no receiver; false by default. */
  readonly allowNoReceiver?: boolean;
  /** Requests remembered at one time; 100,000 by default. */
  readonly capacity?: number;
  /** Unix ms */
  readonly now?: () => number;
  /**
   * When this verifier began to remember, Unix ms. What may have passed one that was there before a restart is refused:
   * all that was signed before, and, since a signer's clock may be ahead of ours, for two seconds afterwards. By default
   * nothing is.
   */
  readonly since?: number;
}

export interface Verifier {
  /** @param headers names in any case */
  verify(
    headers: Readonly<Record<string, string | readonly string[] | undefined>>,
    request: SignedRequest,
  ): AuthOutcome;
}

/** Seconds a request may be old, or ahead of our clock. */
const maxAgeS = 10;
const maxAheadS = 2;
/** ms that a nonce is remembered: well beyond its freshness. */
const rememberMs = 60_000;

/** Remembers nonces, so each request passes once. */
export function createVerifier(options: VerifierOptions): Verifier {
  const { receiver, allowNoReceiver = false, capacity = 100_000, now = Date.now } = options;
  const { since } = options;
  /** What was signed earlier may have been taken before this verifier was there: then it was `maxAheadS` ahead at most. */
  const goodFrom = since === undefined ? 0 : Math.floor(since) + maxAheadS * 1000;
  // In the order of their coming, which is that of their ending.
  const seen = new Map<string, number>();
  return {
    verify(headers, request) {
      const shape = parseHeaders(headers);
      if (typeof shape === "string") {
        return refused("MalformedAuth", shape);
      }
      if (shape.receiver === undefined ? !allowNoReceiver : shape.receiver !== receiver) {
        return refused("WrongReceiver", "request was signed for a different receiving hotkey");
      }
      const nowMs = now();
      // Both in whole ms, so that what is exactly as old as allowed passes, whatever our clock leaves out
      const signedAt = Number(shape.nonce / 1_000_000n);
      const ageMs = Math.floor(nowMs) - signedAt;
      if (ageMs > maxAgeS * 1000) {
        return refused("StaleRequest", `nonce is older than the ${maxAgeS}s freshness window`);
      }
      if (signedAt < goodFrom) {
        const message = "nonce may be from before this server started; sign again in a moment";
        return { ...refused("StaleRequest", message), retryAfterMs: goodFrom - signedAt };
      }
      if (-ageMs > maxAheadS * 1000) {
        return refused("StaleRequest", `nonce is more than ${maxAheadS}s ahead of our clock`);
      }
      const message = signedText(request, shape.nonce, shape.hotkey, shape.receiver);
      if (!verifySignature(message, shape.signature, shape.hotkey)) {
        return refused("BadSignature", "signature does not verify against the claimed hotkey");
      }
      const key = `${shape.hotkey}:${shape.nonce}`;
      for (const [oldest, until] of seen) {
        if (until >= nowMs) {
          break;
        }
        seen.delete(oldest);
      }
      if (seen.has(key)) {
        return refused("ReplayedRequest", "this request was seen before");
      }
      // Forgetting a fresh one would let it in again, so a full memory refuses instead
      if (seen.size >= capacity) {
        return refused("ReplayedRequest", "too many requests at one time; try again later");
      }
      seen.set(key, nowMs + rememberMs);
      return { kind: "verified", hotkey: shape.hotkey, nonce: shape.nonce };
    },
  };
}

function signedText(
  { method, path, body }: SignedRequest,
  nonce: bigint,
  sender: string,
  receiver: string | undefined,
): string {
  const digest = createHash("sha256").update(body).digest("hex");
  return [
    "btauth/1",
    "sr25519",
    method.toUpperCase(),
    path,
    digest,
    nonce,
    sender,
    receiver ?? "-",
  ].join("\n");
}

interface AuthHeaders {
  readonly hotkey: string;
  readonly nonce: bigint;
  readonly signature: Uint8Array;
  readonly receiver: string | undefined;
}

/** What is wrong, in words, or the headers. */
function parseHeaders(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): AuthHeaders | string {
  const found = new Map<string, string>();
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value === "string") {
      found.set(name.toLowerCase(), value);
    }
  }
  const get = (name: string): string | undefined => found.get(`x-bittensor-${name}`);
  if (get("version") !== "1") {
    return "missing or unsupported X-Bittensor-Version (expected '1')";
  }
  const { hotkey, nonce, signature } = {
    hotkey: get("hotkey"),
    nonce: get("nonce"),
    signature: get("signature"),
  };
  if (hotkey === undefined) {
    return "missing X-Bittensor-Hotkey";
  }
  if (nonce === undefined) {
    return "missing X-Bittensor-Nonce";
  }
  if (signature === undefined) {
    return "missing X-Bittensor-Signature";
  }
  if ((get("crypto") ?? "sr25519") !== "sr25519") {
    return "unsupported X-Bittensor-Crypto";
  }
  if (!isSs58(hotkey)) {
    return "X-Bittensor-Hotkey is not an address";
  }
  if (!/^\d{1,20}$/.test(nonce)) {
    return "X-Bittensor-Nonce is not a decimal integer";
  }
  const hex = signature.replace(/^0x/, "");
  if (!/^([0-9a-fA-F]{2})+$/.test(hex)) {
    return "X-Bittensor-Signature is not hex";
  }
  return {
    hotkey,
    nonce: BigInt(nonce),
    signature: Buffer.from(hex, "hex"),
    receiver: get("receiver"),
  };
}

function refused(error: AuthError, message: string): Extract<AuthOutcome, { kind: "refused" }> {
  return { kind: "refused", error, message };
}
