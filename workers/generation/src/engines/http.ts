/** Another generator with the same routes. */
import { context, propagation } from "@opentelemetry/api";
import { answerOf, EngineError, type GenerationEngine, maxAnswerBytes } from "./engine.ts";

export interface HttpEngineOptions {
  /** `http://host:port` is asked at `/generate_raw/`; with a path, there: it may answer base64 text. */
  readonly url: string;
  /** How many requests it gets at a time. */
  readonly concurrency: number;
}

export function createHttpEngine({ url, concurrency }: HttpEngineOptions): GenerationEngine {
  const target = new URL(url);
  if (target.pathname === "/") {
    target.pathname = "/generate_raw/";
  }
  return {
    name: "http",
    concurrency,
    async generate({ format, ...fields }, signal) {
      const body = new URLSearchParams({ format });
      for (const [name, value] of Object.entries(fields)) {
        body.set(name, String(value));
      }
      const headers: Record<string, string> = {};
      propagation.inject(context.active(), headers);
      let response: Response;
      try {
        response = await fetch(target, { method: "POST", body, headers, signal });
      } catch (error) {
        signal.throwIfAborted();
        throw new EngineError("unreachable", `no answer from the generator at ${target.origin}`, {
          cause: error,
        });
      }
      const bytes = await readBody(response, signal);
      if (!response.ok) {
        throw refusal(response, bytes);
      }
      const unknown = response.headers.get("x-unknown-words") ?? "";
      return await answerOf(
        bytes,
        format,
        unknown === "" ? [] : unknown.split(",").map(decodeWord),
      );
    },
    async [Symbol.asyncDispose]() {},
  };
}

async function readBody(response: Response, signal: AbortSignal): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body ?? []) {
      size += chunk.length;
      if (size > maxAnswerBytes) {
        throw new EngineError(
          "too-large",
          `the generator's answer is larger than ${maxAnswerBytes} bytes`,
        );
      }
      chunks.push(chunk);
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof EngineError) {
      throw error;
    }
    throw new EngineError("unreachable", "the generator's answer broke off", { cause: error });
  }
  return Buffer.concat(chunks);
}

function refusal(response: Response, body: Uint8Array): EngineError {
  const text = Buffer.from(body.subarray(0, 200)).toString("utf8");
  const { status } = response;
  const code =
    status === 503 || status === 429 ? "busy" : status === 400 ? "bad-request" : "failed";
  const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
  return new EngineError(code, `the generator answered ${status}: ${text}`, {
    retryAfterS: Number.isFinite(seconds) ? seconds : undefined,
  });
}

function decodeWord(word: string): string {
  try {
    return decodeURIComponent(word);
  } catch {
    return word;
  }
}
