/** SHA-256 by Node; in browsers `sha256-browser.ts` stands in its place. */
import { createHash } from "node:crypto";

/** In hex. */
export function sha256Hex(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
