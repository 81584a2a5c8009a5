/** Memory that threads share; of one thread alone where there is none, as in pages that are not isolated from others. */
export function sharedBytes(length: number): SharedArrayBuffer | ArrayBuffer {
  return typeof SharedArrayBuffer === "undefined"
    ? new ArrayBuffer(length)
    : new SharedArrayBuffer(length);
}
