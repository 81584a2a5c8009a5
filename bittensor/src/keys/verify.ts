/** Verifying sr25519, apart from everything else that keys need: a thread that does nothing else starts quickly. */
import { sr25519Verify, waitReady } from "@polkadot/wasm-crypto";

/** Which forms of a signed message are tried: as it is, or that and wrapped in `<Bytes>…</Bytes>`. */
export type SignedForm = "bare" | "either";

/** Loads the WebAssembly. Await it once before `isSignedBy`. */
export async function readyToVerify(): Promise<boolean> {
  return await waitReady();
}

/**
 * Whether the key signed the message. Anything malformed is false.
 * @param signature 64 bytes
 * @param publicKey 32 bytes
 */
export function isSignedBy(
  message: Uint8Array,
  signature: Uint8Array,
  publicKey: Uint8Array,
  form: SignedForm,
): boolean {
  if (isValid(message, signature, publicKey)) {
    return true;
  }
  if (form === "bare") {
    return false;
  }
  const wrapped = new Uint8Array(bytesPrefix.length + message.length + bytesSuffix.length);
  wrapped.set(bytesPrefix);
  wrapped.set(message, bytesPrefix.length);
  wrapped.set(bytesSuffix, bytesPrefix.length + message.length);
  return isValid(wrapped, signature, publicKey);
}

const bytesPrefix = new TextEncoder().encode("<Bytes>");
const bytesSuffix = new TextEncoder().encode("</Bytes>");

function isValid(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean {
  try {
    // util-crypto verifies in JavaScript; schnorrkel's own code in WebAssembly costs an eighth of that.
    return sr25519Verify(signature, message, publicKey);
  } catch {
    return false; // should the WebAssembly panic
  }
}
