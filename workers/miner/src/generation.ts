/** The miner's side of the generation endpoint: `POST /generate/`, a form in, base64 text out. */
import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { context, propagation } from "@opentelemetry/api";

export type Generation =
  | { readonly kind: "made"; readonly bytes: Buffer }
  | { readonly kind: "failed"; readonly reason: string };

export interface GenerationLimits {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Larger answers are given up; base64 characters. Validators take 128 MiB. */
const maxAnswerChars = 120 * 1024 * 1024;
/** Of an answer that says what went wrong. */
const maxReasonChars = 200;

/**
 * Asks the endpoint at `url` (its root, or the whole path of its own choice). A failure of the endpoint is a value;
 * only the caller's own signal throws.
 */
export async function requestGeneration(
  url: string,
  prompt: string,
  { timeoutMs, signal }: GenerationLimits,
): Promise<Generation> {
  const patience = AbortSignal.timeout(Math.max(0, Math.floor(timeoutMs)));
  try {
    const response = await post(url, prompt, AbortSignal.any([signal, patience]));
    const text = await readText(response);
    if (response.statusCode !== 200) {
      return failed(
        `the generation endpoint answered ${response.statusCode}: ${text.slice(0, maxReasonChars)}`,
      );
    }
    return decode(text.trim());
  } catch (error) {
    signal.throwIfAborted();
    if (patience.aborted) return failed(`not generated within ${Math.round(timeoutMs / 1000)} s`);
    return failed(`the generation endpoint ${url} failed: ${messageOf(error)}`);
  }
}

/** Not `fetch`: that gives up when an answer's headers take five minutes, and generation may take nine. */
function post(url: string, prompt: string, signal: AbortSignal): Promise<IncomingMessage> {
  const target = new URL(url);
  if (target.pathname === "/") target.pathname = "/generate/";
  const request = target.protocol === "https:" ? requestHttps : requestHttp;
  const body = new URLSearchParams({ prompt }).toString();
  const traced: Record<string, string> = {};
  propagation.inject(context.active(), traced);
  return new Promise((resolve, reject) => {
    request(
      target,
      {
        method: "POST",
        signal,
        headers: {
          "content-type": "application/x-www-form-urlencoded",
          "content-length": Buffer.byteLength(body),
          ...traced,
        },
      },
      resolve,
    )
      .on("error", reject)
      .end(body);
  });
}

/** Base64 is ASCII, and so is what matters of everything else. */
async function readText(response: IncomingMessage): Promise<string> {
  const parts: string[] = [];
  let chars = 0;
  for await (const part of response.setEncoding("latin1")) {
    const text: string = part;
    parts.push(text);
    chars += text.length;
    if (chars > maxAnswerChars) {
      throw new RangeError(`its answer is longer than ${maxAnswerChars} characters`);
    }
  }
  return parts.join("");
}

function decode(base64: string): Generation {
  if (base64 === "" || base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) {
    return failed("the generation endpoint's answer is not base64");
  }
  return { kind: "made", bytes: Buffer.from(base64, "base64") };
}

function failed(reason: string): Generation {
  return { kind: "failed", reason };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
