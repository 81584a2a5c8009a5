/** What is asked of a request's body before a byte of it is kept. */
import { HttpError } from "./errors.ts";

/**
 * Refuses a body that is encoded, or that says it is longer than `maxBytes`. Of the others those with a length cannot
 * be longer than it, as Node reads no further; one without (chunked) is counted while somebody reads it, and breaks
 * off at the limit.
 * @returns the request to read from
 * @throws HttpError 415 or 413
 */
export function limitBody(request: Request, maxBytes: number): Request {
  const encoding = request.headers.get("content-encoding") ?? "identity";
  if (encoding.trim().toLowerCase() !== "identity") {
    throw new HttpError(
      415,
      "unsupported-encoding",
      `Content-Encoding ${encoding.slice(0, 64)} is not read; send the body as it is`,
      { headers: { "accept-encoding": "identity" } },
    );
  }
  const length = request.headers.get("content-length");
  if (length !== null) {
    if (Number(length) > maxBytes) {
      throw tooLarge(maxBytes);
    }
    return request;
  }
  if (!request.headers.has("transfer-encoding") || request.body === null) {
    return request;
  }
  const { url, method, headers, signal } = request;
  const body = request.body.pipeThrough(counted(maxBytes));
  return new Request(url, { method, headers, signal, body, duplex: "half" });
}

function counted(maxBytes: number): TransformStream<Uint8Array, Uint8Array> {
  let size = 0;
  return new TransformStream({
    transform(chunk, controller) {
      size += chunk.length;
      if (size > maxBytes) {
        controller.error(tooLarge(maxBytes));
      } else {
        controller.enqueue(chunk);
      }
    },
  });
}

function tooLarge(maxBytes: number): HttpError {
  return new HttpError(413, "too-large", `the request is longer than ${maxBytes} bytes`);
}
