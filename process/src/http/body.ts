/** What is asked of a request's body before a byte of it is kept. */
import { HttpError } from "./errors.ts";

/**
 * Refuses a body that is encoded. One that says it is longer than `maxBytes` fails with its first read, so that a route
 * can refuse its caller for other reasons before. Of the others those with a length cannot be longer than it, as Node
 * reads no further; one without (chunked) is counted while somebody reads it, and breaks off at the limit. Reading what
 * is too long fails with an HttpError 413.
 * @returns the request to read from
 * @throws HttpError 415
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
    return Number(length) > maxBytes ? withBody(request, refused(maxBytes)) : request;
  }
  if (!request.headers.has("transfer-encoding") || request.body === null) {
    return request;
  }
  return withBody(request, request.body.pipeThrough(counted(maxBytes)));
}

function withBody(request: Request, body: ReadableStream<Uint8Array>): Request {
  const { url, method, headers, signal } = request;
  const hasNone = method === "GET" || method === "HEAD"; // fetch's requests of these cannot have one
  return hasNone ? request : new Request(url, { method, headers, signal, body, duplex: "half" });
}

/** Nothing of the body is read. */
function refused(maxBytes: number): ReadableStream<Uint8Array> {
  return new ReadableStream(
    {
      pull(controller) {
        controller.error(tooLarge(maxBytes));
      },
    },
    { highWaterMark: 0 },
  );
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
