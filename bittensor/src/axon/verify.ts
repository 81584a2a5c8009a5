/** The proof that a request comes from the hotkey it names: its nonce is new, and the signature covers it and us. */
import { type Keypair, verifySignature } from "../keys/index.ts";
import { type NonceCheck, type NonceRules, nonceFault, rememberNonce } from "./nonces.ts";
import type { Family, RequestHead } from "./request.ts";

/**
 * Why the request is not proven, in the SDK's words; undefined when it is, and then its nonce is remembered. Runs
 * without a pause, so two requests can't both pass with one nonce.
 */
export function proofFault(
  head: RequestHead,
  family: Family,
  axonHotkey: string,
  rules: NonceRules,
  nowMs: number,
): string | undefined {
  const { dendrite } = head;
  if (dendrite.nonce === null) return "Missing Nonce";
  if (dendrite.hotkey === null) return "Missing Hotkey";
  const check: NonceCheck = {
    hotkey: dendrite.hotkey,
    uuid: dendrite.uuid,
    nonce: dendrite.nonce,
    sdkVersion: dendrite.version ?? undefined,
    timeoutS: head.timeoutS ?? 0,
  };
  const fault = nonceFault(check, rules, nowMs);
  if (fault !== undefined) return fault;
  // Several SDK versions let an empty signature pass; nobody may copy that.
  if (dendrite.signature === null || dendrite.signature === "")
    return family === "L"
      ? "Signature should be of type bytes or a hex-string"
      : "Missing Signature";
  const message = requestMessage(head, axonHotkey);
  if (!isSigned(message, dendrite.signature, dendrite.hotkey))
    return `Signature mismatch with ${message} and ${dendrite.signature}`;
  rememberNonce(check, rules.store, nowMs);
  return undefined;
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

function isSigned(message: string, signature: string, hotkey: string): boolean {
  if (!/^0x[0-9a-fA-F]{128}$/.test(signature)) return false;
  return verifySignature(message, Buffer.from(signature.slice(2), "hex"), hotkey);
}
