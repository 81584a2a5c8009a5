/**
 * The prompt service, as validators ask for it: `GET|POST /get` with {hotkey, nonce, signature}, the signature over the
 * nonce and the hotkey glued together, is answered {prompts: [...]}. `POST /submit` takes prompts from whoever has a key.
 *
 * P1 A nonce is the caller's time, not far from ours, and each is taken once: what was overheard cannot be sent again, also
 *    not after a restart.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { isSs58, verifySignature } from "@turntable/bittensor/keys";
import { parseJson } from "@turntable/bittensor/synapse";
import {
  type HttpContext,
  HttpError,
  type HttpRequestEvent,
  type HttpServer,
  type Metrics,
  startHttpServer,
} from "@turntable/process";
import { z } from "zod";
import type { Filters } from "../filters/index.ts";
import type { Pool } from "./pool.ts";

export interface PromptServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly pool: Pool;
  readonly filters: Filters;
  /** Prompts of one answer. */
  readonly getCount: number;
  /** Who may ask, ss58; empty lets everybody who signs. */
  readonly hotkeys: readonly string[];
  /** Keys that may submit; without any nobody may. */
  readonly submitKeys: readonly string[];
  readonly metrics: Metrics;
  readonly notReady: () => string | undefined;
  readonly onRequest?: (event: HttpRequestEvent & Partial<PromptFacts>) => void;
  /** ms since 1970 */
  readonly now?: () => number;
}

export interface PromptFacts {
  readonly hotkey: string;
  readonly prompts: number;
}

/** How far a caller's clock may be from ours, in ms. */
const nonceReachMs = 300_000;
const maxBodyBytes = 256 * 1024;
const maxSubmitted = 1_000;
const maxChars = 1_024;

const getSchema = z.object({
  hotkey: z.string(),
  nonce: z
    .union([z.bigint(), z.number(), z.string()])
    .transform(String)
    .refine((text) => /^\d{9,19}$/.test(text), "is no time since 1970"),
  signature: z.string().max(200),
});
const submitSchema = z.object({
  prompts: z.array(z.string().max(maxChars)).min(1).max(maxSubmitted),
});

/** Serves `/get`, `/submit`, `/livez`, `/readyz` and `/metrics` until it is disposed. */
export function startPromptServer(options: PromptServerOptions): Promise<HttpServer> {
  const { host, port, metrics, onRequest, now = Date.now } = options;
  const allowed = new Set(options.hotkeys);
  const keys = options.submitKeys.map(digest);

  const get = async (context: HttpContext<PromptFacts>, request: unknown): Promise<Response> => {
    const parsed = getSchema.safeParse(request);
    if (!parsed.success) {
      throw new HttpError(400, "bad-request", z.prettifyError(parsed.error));
    }
    const { hotkey, nonce, signature } = parsed.data;
    const bytes = signatureBytes(signature);
    // Before anything is remembered of whoever this is.
    if (!isSs58(hotkey) || bytes === undefined || !isSigned(`${nonce}${hotkey}`, bytes, hotkey)) {
      throw new HttpError(
        401,
        "bad-signature",
        "the signature is not the hotkey's over nonce and hotkey",
      );
    }
    if (allowed.size > 0 && !allowed.has(hotkey)) {
      throw new HttpError(403, "not-allowed", "this hotkey gets no prompts here");
    }
    const at = now();
    if (Math.abs(timeOf(nonce) - at) > nonceReachMs) {
      const limit = `${nonceReachMs / 1000} seconds`;
      throw new HttpError(401, "stale-nonce", `the nonce is the time, at most ${limit} from now`);
    }
    if (!options.pool.useNonce(hotkey, BigInt(nonce), at, at - 2 * nonceReachMs)) {
      throw new HttpError(401, "used-nonce", "the nonce is no higher than the one before"); // P1
    }
    const prompts = options.pool.take(options.getCount);
    context.var.note({ hotkey, prompts: prompts.length });
    if (prompts.length === 0) {
      throw new HttpError(503, "empty", "there are no prompts yet", {
        headers: { "retry-after": "60" },
      });
    }
    return context.json({ prompts });
  };

  return startHttpServer<PromptFacts>({
    ...{ host, port, maxBodyBytes, onRequest: onRequest ?? (() => undefined) },
    routes(app) {
      // Python's clients send a body with GET, which the fetch API knows nothing of.
      app.get("/get", async (context) => {
        const text = await bodyOf(context.env.incoming);
        return get(context, text === "" ? context.req.query() : json(text));
      });
      app.post("/get", async (context) => get(context, json(await context.req.text())));
      app.post("/submit", async (context) => {
        const [, key = ""] = /^Bearer (\S+)$/.exec(context.req.header("authorization") ?? "") ?? [];
        if (!keys.some((known) => timingSafeEqual(known, digest(key)))) {
          throw new HttpError(
            401,
            "bad-key",
            "a key that may submit is needed: authorization: Bearer KEY",
          );
        }
        const parsed = submitSchema.safeParse(json(await context.req.text()));
        if (!parsed.success) {
          throw new HttpError(400, "bad-request", z.prettifyError(parsed.error));
        }
        const judged = parsed.data.prompts.map((line) => options.filters.take(line));
        const kept = judged.flatMap(({ kind, prompt }) =>
          kind === "kept" ? [{ prompt, category: "submitted" }] : [],
        );
        const rejected = judged.flatMap((one) =>
          one.kind === "rejected" ? [{ prompt: one.prompt, why: one.why }] : [],
        );
        return context.json({ accepted: options.pool.add(kept), rejected });
      });
      app.get("/livez", (context) => context.text("ok\n"));
      app.get("/readyz", (context) => {
        const reason = options.notReady();
        return context.text(`${reason ?? "ok"}\n`, reason === undefined ? 200 : 503);
      });
      app.get("/metrics", (context) => metrics.handle(context));
    },
  });
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of incoming) {
    const bytes: Buffer = part;
    size += bytes.length;
    if (size > maxBodyBytes) {
      throw new HttpError(413, "too-large", `a body has ${maxBodyBytes} bytes at most`);
    }
    parts.push(bytes);
  }
  return Buffer.concat(parts).toString("utf8");
}

function json(text: string): unknown {
  try {
    return parseJson(text); // nonces have more digits than a double
  } catch {
    throw new HttpError(400, "bad-request", "the body is no JSON");
  }
}

/** base64, or hex with or without 0x, of 64 bytes. */
function signatureBytes(text: string): Buffer | undefined {
  const hex = /^(?:0x)?([0-9a-fA-F]{128})$/.exec(text)?.[1];
  const bytes = hex === undefined ? Buffer.from(text, "base64") : Buffer.from(hex, "hex");
  return bytes.length === 64 ? bytes : undefined;
}

function isSigned(message: string, signature: Buffer, hotkey: string): boolean {
  return verifySignature(message, signature, hotkey);
}

/** ms since 1970 of a time in seconds, milliseconds, microseconds or nanoseconds: their sizes do not overlap. */
function timeOf(nonce: string): number {
  return Number(nonce) * 10 ** (13 - nonce.length);
}

function digest(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}
