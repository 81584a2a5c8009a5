/** The proof that a request comes from the hotkey it names: its nonce is new, and the signature covers it and us. */
import { type Keypair, publicKeyOf } from "../keys/index.ts";
import {
  isNonceMemoryFull,
  type NonceCheck,
  type NonceRules,
  nonceFault,
  rememberNonce,
} from "./nonces.ts";
import type { RequestHead, WireFamily } from "./request.ts";
import type { VerifyJob } from "./verify-thread.ts";

export type Proof =
  | { readonly kind: "proved" }
  /** @property fault in the SDK's words; @property tries at the signature that it cost */
  | { readonly kind: "unproved"; readonly fault: string; readonly tries: number }
  /** Too many signatures wait. */
  | { readonly kind: "busy" }
  /** The hotkey has no place for another nonce. */
  | { readonly kind: "full" };

export interface ProofRules extends NonceRules {
  readonly axonHotkey: string;
  /** In hex; undefined when it is no address. */
  readonly publicKeyOf: (hotkey: string) => string | undefined;
  /** Undefined when too many wait. */
  readonly verify: (job: VerifyJob) => Promise<boolean> | undefined;
}

/**
 * Whether the request is proved; then its nonce is remembered. The nonce is looked at again after the wait for the
 * signature, in one turn with remembering it, so two requests can't both pass with one.
 */
export async function prove(
  head: RequestHead,
  family: WireFamily,
  rules: ProofRules,
  nowMs: number,
): Promise<Proof> {
  const { nonce, hotkey, uuid, version, signature } = head.dendrite;
  if (nonce === null) {
    return unproved("Missing Nonce");
  }
  if (hotkey === null) {
    return unproved("Missing Hotkey");
  }
  const check: NonceCheck = {
    hotkey,
    uuid,
    nonce,
    sdkVersion: version ?? undefined,
    timeoutS: head.timeoutS ?? 0,
  };
  const fault = nonceFault(check, rules, nowMs);
  if (fault !== undefined) {
    return unproved(fault);
  }
  // Several SDK versions let an empty signature pass; nobody may copy that.
  if (signature === null || signature === "") {
    return unproved(
      family === "legacy"
        ? "Signature should be of type bytes or a hex-string"
        : "Missing Signature",
    );
  }
  const message = requestMessage(head, rules.axonHotkey);
  const mismatch = `Signature mismatch with ${message} and ${signature}`;
  const publicKey = rules.publicKeyOf(hotkey);
  if (publicKey === undefined || !/^0x[0-9a-fA-F]{128}$/.test(signature)) {
    return unproved(mismatch);
  }
  // SDKs, which say their version, sign the message as it is; a wallet that makes requests of its own may wrap it.
  const form = version === null ? "either" : "bare";
  const verified = rules.verify({
    message,
    signature: signature.slice(2),
    publicKey,
    form,
  });
  if (verified === undefined) {
    return { kind: "busy" };
  }
  if (!(await verified)) {
    return unproved(mismatch, form === "bare" ? 1 : 2);
  }
  const overtaken = nonceFault(check, rules, nowMs);
  if (overtaken !== undefined) {
    return unproved(overtaken);
  }
  if (isNonceMemoryFull(check, rules.store)) {
    return { kind: "full" };
  }
  rememberNonce(check, rules.store, nowMs);
  return { kind: "proved" };
}

/** Public keys of hotkeys in hex, the latest of them remembered: an address takes some 50 µs to be decoded. */
export function createPublicKeys(capacity: number): ProofRules["publicKeyOf"] {
  const known = new Map<string, string>();
  return (hotkey) => {
    const remembered = known.get(hotkey);
    if (remembered !== undefined) {
      return remembered;
    }
    const key = publicKeyOf(hotkey);
    if (key === undefined) {
      return undefined;
    }
    const hex = Buffer.from(key).toString("hex");
    known.set(hotkey, hex);
    const [oldest] = known.keys();
    if (known.size > capacity && oldest !== undefined) {
      known.delete(oldest);
    }
    return hex;
  };
}

function unproved(fault: string, tries = 1): Proof {
  return { kind: "unproved", fault, tries };
}

/** The text that a caller signs. Absent values are Python's `None`. */
export function requestMessage(head: RequestHead, axonHotkey: string): string {
  const { nonce, hotkey, uuid } = head.dendrite;
  return [nonce, hotkey, axonHotkey, uuid, head.computedBodyHash]
    .map((part) => part ?? "None")
    .join(".");
}

/** What axons sign of themselves in answers. Nobody verifies it. */
export function answerSignature(
  hotkey: Keypair,
  nonce: bigint,
  dendriteHotkey: string,
  uuid: string,
): string {
  const signed = hotkey.sign(`${nonce}.${dendriteHotkey}.${hotkey.ss58}.${uuid}`);
  return `0x${Buffer.from(signed).toString("hex")}`;
}
