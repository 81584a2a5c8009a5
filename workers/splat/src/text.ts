/** Text of files, where there is no `Buffer`. */

const latin1 = new TextDecoder("latin1");

/** A character a byte, so that places in the text are places in the bytes; those above 0x7f may become others. */
export function textOf(bytes: Uint8Array): string {
  return latin1.decode(bytes);
}

const utf8 = new TextEncoder();

export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return utf8.encode(text);
}

/** The first bytes as hexadecimal digits: what is shown of a file that is nothing known. */
export function firstBytes(bytes: Uint8Array): string {
  return Array.from(bytes.subarray(0, 8), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
