/** The one table of what can go wrong in an HTTP request; each server adds its own errors to it. */
import { randomUUID } from "node:crypto";
import { QueueFullError } from "../work-queue.ts";

export interface HttpErrorOptions extends ErrorOptions {
  /** Header fields of the answer, `retry-after` say. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer other than a success, thrown by routes. Its text goes to the caller. */
export class HttpError extends Error {
  override name = "HttpError";
  /** 400 to 599 */
  readonly status: number;
  /** For programs: `too-large`, `busy`. */
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;
  constructor(
    status: number,
    code: string,
    message: string,
    { headers = {}, ...options }: HttpErrorOptions = {},
  ) {
    super(message, options);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/** A bug: the caller learns the id under which the log has the cause, and nothing else. */
export class InternalHttpError extends HttpError {
  readonly errorId: string;
  constructor(cause: unknown) {
    const errorId = randomUUID();
    super(500, "internal", `internal error ${errorId}`, { cause });
    this.errorId = errorId;
  }
}

/** A server's own errors; undefined for those it does not know. */
export type ErrorTable = (error: unknown) => HttpError | undefined;

/** @param own is asked first */
export function toHttpError(error: unknown, own: ErrorTable = () => undefined): HttpError {
  if (error instanceof HttpError) {
    return error;
  }
  const known = own(error);
  if (known !== undefined) {
    return known;
  }
  if (error instanceof QueueFullError) {
    const headers = { "retry-after": String(error.retryAfterS) };
    return new HttpError(503, error.code, error.message, { headers, cause: error });
  }
  return new InternalHttpError(error);
}
