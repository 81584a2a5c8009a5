/** What callers send: a form or JSON in the body, settings also in the query. */
import type { IncomingMessage } from "node:http";
import type { AssetFormat } from "@turntable/splat";
import { z } from "zod";
import { assetFormats, type EngineRequest } from "../engines/index.ts";
import { splatLimits } from "../procedural/generate.ts";
import { qualities } from "../procedural/quality.ts";

/** The request can't be served as it is. */
export class RequestError extends Error {
  override name = "RequestError";
  readonly code = "bad-request";
  /** HTTP. */
  readonly status: 400 | 413 | 415;
  constructor(status: 400 | 413 | 415, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

/** Bytes of the body; the longest prompt in a form, each character percent-encoded, fits. */
const maxBodyBytes = 64 * 1024;
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

/** @throws RequestError */
export async function parseRequest(request: IncomingMessage): Promise<EngineRequest> {
  const query = new URL(request.url ?? "/", "http://localhost").searchParams;
  const body = await readBody(request);
  const fields = { ...Object.fromEntries(query), ...(await fieldsOf(request, body)) };
  const parsed = fieldsSchema.safeParse(fields);
  if (!parsed.success) throw new RequestError(400, z.prettifyError(parsed.error));
  const { prompt, seed, splats, quality, format } = parsed.data;
  return {
    prompt,
    format: format ?? acceptedFormat(request.headers.accept) ?? "ply",
    ...(seed !== undefined && { seed }),
    ...(splats !== undefined && { splats }),
    ...(quality !== undefined && { quality }),
  };
}

/** `application/x-ply` and the like; anything else leaves the choice to us. */
function acceptedFormat(accept: string | undefined): AssetFormat | undefined {
  return assetFormats.find((format) => accept?.includes(`application/x-${format}`));
}

async function fieldsOf(request: IncomingMessage, body: Buffer<ArrayBuffer>): Promise<object> {
  const contentType = request.headers["content-type"] ?? "application/x-www-form-urlencoded";
  if (contentType.startsWith("application/json")) {
    let value: unknown;
    try {
      value = JSON.parse(body.toString("utf8"));
    } catch (error) {
      throw new RequestError(400, "the body is not JSON", { cause: error });
    }
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new RequestError(400, 'the body is no JSON object such as {"prompt": "a red cube"}');
    }
    return value;
  }
  if (contentType.startsWith("application/x-www-form-urlencoded")) {
    return Object.fromEntries(new URLSearchParams(body.toString("utf8")));
  }
  if (contentType.startsWith("multipart/form-data")) {
    try {
      const form = new Response(body, { headers: { "content-type": contentType } });
      return Object.fromEntries(await form.formData());
    } catch (error) {
      throw new RequestError(400, "the body is no multipart form", { cause: error });
    }
  }
  throw new RequestError(415, `${contentType.slice(0, 100)} is not read; send a form or JSON`);
}

/** What is too long is read to its end and thrown away, up to a limit, so that the answer gets through. */
async function readBody(request: IncomingMessage): Promise<Buffer<ArrayBuffer>> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length; // no encoding is set, so chunks are buffers
    if (size <= maxBodyBytes) chunks.push(chunk as Buffer);
    if (size > 16 * maxBodyBytes) break;
  }
  if (size > maxBodyBytes) {
    throw new RequestError(413, `the request is longer than ${maxBodyBytes} bytes`);
  }
  return Buffer.concat(chunks);
}
