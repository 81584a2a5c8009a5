/** Which prompts the model never sees in training: a tenth, by their hash, so that anyone finds the same ones. */
import { createHash } from "node:crypto";

/** Whether the SHA-256 of the prompt, read as a big-endian integer, is divisible by 10. */
export function isHeldOut(prompt: string): boolean {
  // 256 ≡ 6 (mod 10), so the remainder follows byte by byte.
  let remainder = 0;
  for (const byte of createHash("sha256").update(prompt).digest()) {
    remainder = (remainder * 256 + byte) % 10;
  }
  return remainder === 0;
}
