/** Prompts of a language model behind any OpenAI-compatible endpoint (`POST /v1/chat/completions`). */
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import { type PromptSource, SourceError } from "./generator.ts";

export interface LanguageModelOptions {
  /** `http://host:8000/v1`; `/chat/completions` is added. */
  readonly url: string;
  readonly model: string;
  readonly apiKey?: string | undefined;
  readonly timeoutMs?: number;
  /** Between two tries, doubling; ms. */
  readonly firstPauseMs?: number;
  /** Uniform in [0, 1): draws temperature and seed for each call, so that calls differ. */
  readonly random: () => number;
}

/** What the model is asked about, one at a time. */
export const modelCategories = [
  ...["furniture", "kitchenware", "tools", "vehicles", "animals", "food", "plants", "toys"],
  ...["clothing", "musical instruments", "buildings", "electronics", "sports equipment"],
  ...["fantasy creatures", "jewellery", "containers", "lamps", "statues"],
] as const;

const tries = 4;
const defaultTimeoutMs = 60_000;
const defaultPauseMs = 1_000;
const linesAtOnce = 30;
/** Lines of an answer that are looked at, and characters: a model that does not stop must cost nothing more. */
const maxLines = 200;
const maxAnswerChars = 200_000;
/** Statuses that may pass: timeouts, rates, faults of the endpoint's own. */
const passing = new Set([408, 409, 425, 429, 500, 502, 503, 504]);
const maxRetryAfterMs = 60_000;

const answerSchema = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string() }) })).min(1),
});

export function createLanguageModelSource(options: LanguageModelOptions): PromptSource {
  const { random, firstPauseMs = defaultPauseMs } = options;
  return {
    name: options.model,
    categories: modelCategories,
    async draw(category, signal) {
      let pauseMs = firstPauseMs;
      for (let attempt = 1; ; attempt++) {
        const outcome = await ask(options, messagesFor(category, random), signal);
        if (outcome.kind === "text") {
          return outcome.text
            .split("\n")
            .map((text) => text.trim())
            .filter((text) => text !== "" && !text.endsWith(":"))
            .slice(0, maxLines)
            .map((text) => ({ text, category }));
        }
        if (!outcome.mayPass || attempt === tries) {
          throw new SourceError(`${options.url}: ${outcome.reason} (try ${attempt})`);
        }
        await wait(outcome.retryAfterMs ?? pauseMs * (0.5 + random()), undefined, { signal });
        pauseMs *= 2;
      }
    },
  };
}

type Outcome =
  | { readonly kind: "text"; readonly text: string }
  | {
      readonly kind: "failed";
      readonly reason: string;
      readonly mayPass: boolean;
      readonly retryAfterMs?: number | undefined;
    };

async function ask(
  { url, model, apiKey, timeoutMs = defaultTimeoutMs, random }: LanguageModelOptions,
  messages: readonly object[],
  signal: AbortSignal,
): Promise<Outcome> {
  const patience = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(`${url.replace(/\/$/, "")}/chat/completions`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
      },
      body: JSON.stringify({
        ...{ model, messages },
        temperature: Number((0.7 + 0.5 * random()).toFixed(2)),
        seed: Math.floor(random() * 2 ** 31),
      }),
      signal: AbortSignal.any([signal, patience]),
    });
    const text = (await response.text()).slice(0, maxAnswerChars);
    if (!response.ok) {
      const after = Number(response.headers.get("retry-after") ?? Number.NaN);
      return {
        ...{ kind: "failed", reason: `answered ${response.status}: ${text.slice(0, 200)}` },
        mayPass: passing.has(response.status),
        retryAfterMs: Number.isFinite(after) ? Math.min(maxRetryAfterMs, after * 1000) : undefined,
      };
    }
    const parsed = answerSchema.safeParse(parseJson(text));
    const content = parsed.data?.choices[0]?.message.content;
    return content === undefined
      ? { kind: "failed", reason: "its answer is no chat completion", mayPass: true }
      : { kind: "text", text: content };
  } catch (error) {
    signal.throwIfAborted();
    const why = error instanceof Error ? String(error.cause ?? error.message) : String(error);
    return { kind: "failed", reason: patience.aborted ? "no answer in time" : why, mayPass: true };
  }
}

function messagesFor(category: string, random: () => number): readonly object[] {
  const twist = twists[Math.floor(random() * twists.length)] ?? "";
  return [
    {
      role: "system",
      content:
        "You write prompts for a text-to-3D generator. Each names exactly one solid object that can be seen from all " +
        "sides, in 3 to 8 words, concrete and visual: what it is, its colour, its material or its shape. No scenes, no " +
        "backgrounds, no text on objects, no people, nothing abstract.",
    },
    {
      role: "user",
      content: `Write ${linesAtOnce} different prompts about ${category}, ${twist}. One a line, nothing else.`,
    },
  ];
}

const twists = [
  "everyday ones",
  "unusual ones",
  "with striking colours",
  "with clear materials",
  "old and worn ones",
  "in simple shapes",
  "richly decorated ones",
  "as toys or miniatures",
] as const;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
