/** A running SHA-256: Node's own where there is one, written in JavaScript in browsers. */
export interface Sha256 {
  update(bytes: Uint8Array): void;
  /** 32 bytes; ends it. */
  digest(): Uint8Array;
}

export type CreateSha256 = () => Sha256;

export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** So many random bytes as hexadecimal text; unlike `randomUUID` also on pages that came over plain HTTP. */
export function randomHex(bytes: number): string {
  return hexOf(crypto.getRandomValues(new Uint8Array(bytes)));
}
