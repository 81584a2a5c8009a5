/** What callers send: a form or JSON in the body, settings also in the query. */
import { type HttpContext, HttpError } from "@turntable/process";
import type { AssetFormat } from "@turntable/splat";
import { z } from "zod";
import { assetFormats, type EngineRequest } from "../engines/index.ts";
import { splatLimits } from "../procedural/generate.ts";
import { qualities } from "../procedural/quality.ts";

/** Bytes of the body; the longest prompt in a form, each character percent-encoded, fits. */
export const maxBodyBytes = 64 * 1024;
/** The subnet's own limit. */
export const maxPromptChars = 1024;

const fieldsSchema = z.object({
  prompt: z
    .string("prompt is missing")
    .trim()
    .min(1, "prompt is empty")
    .max(maxPromptChars, `prompt is longer than ${maxPromptChars} characters`),
  seed: z.coerce
    .number()
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .optional(),
  splats: z.coerce.number().int().min(splatLimits.least).max(splatLimits.most).optional(),
  quality: z.enum(qualities).optional(),
  format: z.enum(assetFormats).optional(),
});

export type GenerationContext = HttpContext;

/** @throws HttpError when the request cannot be served as it is */
export async function parseRequest({ req }: GenerationContext): Promise<EngineRequest> {
  const fields = { ...req.query(), ...(await fieldsOf(req)) };
  const parsed = fieldsSchema.safeParse(fields);
  if (!parsed.success) {
    throw badRequest(z.prettifyError(parsed.error));
  }
  const { prompt, seed, splats, quality, format } = parsed.data;
  return {
    prompt,
    format: format ?? acceptedFormat(req.header("accept")) ?? "ply",
    ...(seed !== undefined && { seed }),
    ...(splats !== undefined && { splats }),
    ...(quality !== undefined && { quality }),
  };
}

/** `application/x-ply` and the like; anything else leaves the choice to us. */
function acceptedFormat(accept: string | undefined): AssetFormat | undefined {
  return assetFormats.find((format) => accept?.includes(`application/x-${format}`));
}

async function fieldsOf(req: GenerationContext["req"]): Promise<object> {
  const contentType = req.header("content-type") ?? "application/x-www-form-urlencoded";
  if (contentType.startsWith("application/json")) {
    return parseJson(await req.text());
  }
  if (contentType.startsWith("application/x-www-form-urlencoded")) {
    return Object.fromEntries(new URLSearchParams(await req.text()));
  }
  if (contentType.startsWith("multipart/form-data")) {
    const body = await req.arrayBuffer();
    try {
      const form = new Response(body, { headers: { "content-type": contentType } });
      return Object.fromEntries(await form.formData());
    } catch (cause) {
      throw badRequest("the body is no multipart form", cause);
    }
  }
  const message = `${contentType.slice(0, 100)} is not read; send a form or JSON`;
  throw new HttpError(415, "unsupported-type", message);
}

function parseJson(text: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw badRequest("the body is not JSON", cause);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw badRequest('the body is no JSON object such as {"prompt": "a red cube"}');
  }
  return value;
}

function badRequest(message: string, cause?: unknown): HttpError {
  return new HttpError(400, "bad-request", message, { cause });
}
