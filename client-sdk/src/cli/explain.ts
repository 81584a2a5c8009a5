/** What went wrong in one line, and what to do. */
import {
  CallFailedError,
  CorruptDownloadError,
  ScoringFailedError,
  TaskFailedError,
} from "../errors.ts";
import type { ServerConfig } from "./config.ts";
import { formatDuration, printable } from "./text.ts";

/** @param suggestion a command that goes on with what was begun */
export function explain(
  error: unknown,
  server: ServerConfig | undefined,
  suggestion: string | undefined,
): string {
  if (error instanceof CallFailedError) {
    return explainCall(error, server, suggestion);
  }
  if (error instanceof TaskFailedError) {
    return `${printable(error.message)}; turntable report ${error.taskId} shows what was scored, generate makes a new task`;
  }
  if (error instanceof CorruptDownloadError) {
    return `${error.message}; try again: turntable download ${error.taskId}`;
  }
  if (error instanceof ScoringFailedError) {
    const what =
      error.failureCode === "invalid-asset"
        ? "turntable-worker inspect FILE says more of the file"
        : "try again";
    return `${printable(error.message)}; ${what}`;
  }
  return printable(error instanceof Error ? error.message : String(error));
}

function explainCall(
  error: CallFailedError,
  server: ServerConfig | undefined,
  suggestion: string | undefined,
): string {
  const details = printable(error.details);
  switch (error.code) {
    case "unavailable": {
      const source = server?.addressSource ? ` (from ${server.addressSource})` : "";
      return `no answer from ${server?.connection.address}${source}: ${details}; start a local subnet with npm start, or name a server with --server HOST:PORT`;
    }
    case "unauthenticated":
      return `${details}; give a valid API key with --api-key-file FILE`;
    case "permission-denied":
      return `${details}; the operator gives keys more scopes: turntable admin keys create`;
    case "unimplemented":
      return `${details || "the server does not know this call"}; is it an older one, or is that port another service's?`;
    case "resource-exhausted":
      return error.retryAfterMs === undefined
        ? details
        : `${details}; try again in ${formatDuration(error.retryAfterMs)}`;
    case "deadline-exceeded":
      return suggestion === undefined
        ? `the server did not answer in time: ${details}`
        : `not done in time; the task goes on, to follow it: ${suggestion}`;
    default:
      return details === "" ? error.code : details;
  }
}
