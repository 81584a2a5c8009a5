/** Answers that are made before anything of a request was looked at, or when there is none. */
import { type Answer, headerSafe, refusal } from "./answer.ts";
import type { RefusalReason } from "./limits.ts";
import { emptyHead } from "./request.ts";

/** Refusals that come before anything of the request was looked at. */
const earlyRefusals = {
  pipelined: [400, "One request at a time: wait for the answer before you send another"],
  "head-size": [431, "The request has too many headers"],
  "address-rate": [403, "Forbidden. Key is blacklisted: Too many requests from this address."],
  "hotkey-rate": [403, "Forbidden. Key is blacklisted: Too many requests of this hotkey."],
} as const;

export type EarlyRefusal = keyof typeof earlyRefusals;

/** Made once each: a flood must not cost more than sending them. */
export function makeEarlyAnswers(): Readonly<Record<EarlyRefusal, Answer>> {
  const made = (reason: EarlyRefusal): Answer => {
    const [status, message] = earlyRefusals[reason];
    return bareAnswer(status, message);
  };
  return {
    pipelined: made("pipelined"),
    "head-size": made("head-size"),
    "address-rate": made("address-rate"),
    "hotkey-rate": made("hotkey-rate"),
  };
}

function bareAnswer(status: number, message: string): Answer {
  return refusal(
    { synapse: undefined, head: emptyHead, family: "nanosecond", axon: {}, processTimeS: 0 },
    status,
    message,
  );
}

/** What a refused connection gets. Made once, as above. */
export function refusedConnection(): (reason: RefusalReason) => Buffer {
  const full = wholeAnswer(503, "Service Unavailable", "Too many connections; try again later");
  const barred = wholeAnswer(403, "Forbidden", earlyRefusals["address-rate"][1]);
  return (reason) => (reason === "address-rate" ? barred : full);
}

/**
 * What a request gets that Node's HTTP parser gave up on.
 * @param code of Node's error
 */
export function brokenRequestAnswer(
  code: string | undefined,
  maxHeaderBytes: number,
): { readonly reason: RefusalReason | undefined; readonly words: Buffer } {
  if (code === "HPE_HEADER_OVERFLOW") {
    const message = `The headers exceed ${maxHeaderBytes} bytes`;
    const words = wholeAnswer(431, "Request Header Fields Too Large", message);
    return { reason: "head-size", words };
  }
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") {
    const words = wholeAnswer(408, "Request Timeout", "The request took too long to arrive");
    return { reason: "slow-request", words };
  }
  const words = wholeAnswer(400, "Bad Request", "The request is not HTTP/1.1");
  return { reason: undefined, words };
}

/** An answer with its status line, for connections that have no request. */
export function wholeAnswer(status: number, phrase: string, message: string): Buffer {
  const answer = bareAnswer(status, message);
  const lines = [`HTTP/1.1 ${status} ${phrase}`];
  for (let index = 0; index + 1 < answer.headers.length; index += 2) {
    lines.push(`${answer.headers[index]}: ${headerSafe(answer.headers[index + 1] ?? "")}`);
  }
  lines.push(`content-length: ${answer.body.length}`, "connection: close", "", "");
  return Buffer.concat([Buffer.from(lines.join("\r\n")), answer.body]);
}
