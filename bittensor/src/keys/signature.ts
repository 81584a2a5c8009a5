/** Signatures by hotkeys. Nothing here needs Node. */
import { publicKeyOf } from "./ss58.ts";
import { isSignedBy, type SignedForm } from "./verify.ts";

/**
 * Whether the hotkey signed the message, as it is or wrapped in `<Bytes>…</Bytes>` (which browser wallets add, and
 * Python's verify takes too). Anything malformed is false.
 * @param form "bare" tries the message as it is alone, for signers that are known not to wrap: a wrong one costs half
 */
export function verifySignature(
  message: string | Uint8Array,
  signature: Uint8Array,
  ss58: string,
  form: SignedForm = "either",
): boolean {
  if (signature.length !== 64) {
    return false;
  }
  const publicKey = publicKeyOf(ss58);
  if (publicKey === undefined) {
    return false;
  }
  const bytes = typeof message === "string" ? new TextEncoder().encode(message) : message;
  return isSignedBy(bytes, signature, publicKey, form);
}
