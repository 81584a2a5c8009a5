/** The thread that verifies signatures. */
// Not through the folder's entry, which loads much that a thread would never use
import { isSignedBy, readyToVerify, type SignedForm } from "../keys/verify.ts";
import { serveThread } from "./threads.ts";

/** Texts, because they go from thread to thread for much less than bytes. */
export interface VerifyJob {
  readonly message: string;
  /** 64 bytes in hex */
  readonly signature: string;
  /** 32 bytes in hex */
  readonly publicKey: string;
  readonly form: SignedForm;
}

const loading = readyToVerify();
serveThread(async ({ message, signature, publicKey, form }: VerifyJob) => {
  await loading;
  const [bytes, signed, key] = [Buffer.from(message), fromHex(signature), fromHex(publicKey)];
  return isSignedBy(bytes, signed, key, form);
});

function fromHex(text: string): Buffer {
  return Buffer.from(text, "hex");
}
