/**
 * A prompt service: `GET URL/get` (or POST) with `{hotkey, nonce, signature}` as JSON, the signature in base64 over the
 * nonce's digits and the hotkey; the answer is `{"prompts": [...]}`.
 */
import { type IncomingMessage, type RequestOptions, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { Keypair } from "@turntable/bittensor/keys";
import { z } from "zod";
import { cleanPrompts } from "./list.ts";

export interface PromptService {
  /** Without the `/get`. */
  readonly url: string;
  /** The services of 2024 want GET with a body, which some proxies do not let through. */
  readonly method: "GET" | "POST";
  /** Fewer prompts are refused: miners would have them all soon. */
  readonly leastPrompts: number;
  /** For the whole exchange, in ms. */
  readonly timeoutMs: number;
}

/** Why no list could be had; the message says all there is to it. */
export class PromptServiceError extends Error {
  override name = "PromptServiceError";
  readonly code = "promptService";
}

/** The largest answer, in bytes: a hundred thousand prompts, which are read in a tenth of a second. */
const maxAnswerBytes = 4 * 1024 * 1024;

const answerSchema = z.object({ prompts: z.array(z.unknown()) });

/**
 * Fetches a list.
 * @param maxChars longest prompt, in code points; longer ones are left out
 * @param now ms since 1970 UTC
 * @throws PromptServiceError for whatever is wrong with the service or its answer, the signal's reason when aborted
 */
export async function fetchPrompts(
  service: PromptService,
  {
    hotkey,
    maxChars,
    now,
  }: { readonly hotkey: Keypair; readonly maxChars: number; readonly now: number },
  signal: AbortSignal,
): Promise<readonly string[]> {
  const deadline = AbortSignal.timeout(service.timeoutMs);
  try {
    const text = await exchange(
      service,
      signedBody(hotkey, now),
      AbortSignal.any([signal, deadline]),
    );
    return listOf(text, service, maxChars);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof PromptServiceError) {
      throw error;
    }
    if (deadline.aborted) {
      throw new PromptServiceError(`no whole answer within ${service.timeoutMs} ms`, {
        cause: error,
      });
    }
    throw new PromptServiceError(reasonOf(error), { cause: error });
  }
}

/** JSON by hand: the nonce, nanoseconds since 1970, is a larger number than JavaScript's can be exactly. */
function signedBody(hotkey: Keypair, now: number): Buffer {
  const nonce = (BigInt(Math.floor(now)) * 1_000_000n).toString();
  const signature = hotkey.sign(Buffer.from(`${nonce}${hotkey.ss58}`));
  const signed = Buffer.from(signature).toString("base64");
  return Buffer.from(`{"hotkey":"${hotkey.ss58}","nonce":${nonce},"signature":"${signed}"}`);
}

async function exchange(
  { url, method }: PromptService,
  body: Buffer,
  signal: AbortSignal,
): Promise<string> {
  const target = new URL(`${url.replace(/\/+$/, "")}/get`);
  const response = await respond(target, body, {
    ...{ method, signal, agent: false },
    headers: {
      "content-type": "application/json",
      "content-length": body.byteLength,
      accept: "application/json",
      "accept-encoding": "identity",
    },
  });
  try {
    const { statusCode = 0 } = response;
    if (statusCode !== 200) {
      const moved = statusCode >= 300 && statusCode < 400 ? "; redirects are not followed" : "";
      throw new PromptServiceError(`it answers ${statusCode}${moved}`);
    }
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of response) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > maxAnswerBytes) {
        throw new PromptServiceError(`its answer has more than ${maxAnswerBytes} bytes`);
      }
    }
    if (!response.complete) {
      throw new PromptServiceError("its answer was cut off");
    }
    return Buffer.concat(chunks, size).toString("utf8");
  } finally {
    response.destroy();
  }
}

function respond(target: URL, body: Buffer, options: RequestOptions): Promise<IncomingMessage> {
  const request = target.protocol === "https:" ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const sent = request(target, options, resolve);
    sent.on("error", reject);
    sent.end(body);
  });
}

function listOf(
  text: string,
  { leastPrompts }: PromptService,
  maxChars: number,
): readonly string[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new PromptServiceError("its answer is no JSON", { cause });
  }
  const answer = answerSchema.safeParse(json);
  if (!answer.success) {
    throw new PromptServiceError('its answer has no list "prompts"', { cause: answer.error });
  }
  const prompts = cleanPrompts(answer.data.prompts, maxChars);
  if (prompts.length < leastPrompts) {
    const { length } = answer.data.prompts;
    throw new PromptServiceError(
      `it gave ${prompts.length} different prompts that can be used (of ${length}); at least ${leastPrompts} are needed`,
    );
  }
  return prompts;
}

function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) {
    return error.errors.map(reasonOf).join("; ");
  }
  return error instanceof Error ? error.message : String(error);
}
