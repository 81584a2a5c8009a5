/** The miner's generation endpoint: the routes of the subnet's own, over HTTP. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { writePly } from "@turntable/splat";
import { z } from "zod";
import { type Generated, generate } from "./engine/generate.ts";

export interface EndpointOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly onGenerated?: (event: GenerationEvent) => void;
}

export interface GenerationEvent {
  readonly prompt: string;
  readonly splats: number;
  readonly sizeBytes: number;
  readonly unknownWords: readonly string[];
  readonly durationMs: number;
}

export interface GenerationEndpoint extends AsyncDisposable {
  readonly port: number;
  /** `http://127.0.0.1:8094` */
  readonly url: string;
}

const maxBodyBytes = 64 * 1024;
const maxPromptChars = 1024;
const requestSchema = z.object({
  prompt: z
    .string()
    .min(1, "prompt is empty")
    .max(maxPromptChars, `prompt is longer than ${maxPromptChars} characters`),
  seed: z.coerce
    .number()
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .optional(),
});

/** Serves `POST /generate/` (base64 text), `POST /generate_raw/` (PLY bytes) and `GET /health`. */
export async function startGenerationEndpoint(
  options: EndpointOptions,
): Promise<GenerationEndpoint> {
  const server = createServer((request, response) => {
    answer(request, response, options).catch((error: unknown) => {
      if (!response.headersSent) reply(response, 500, { error: "internal error" });
      response.destroy(error instanceof Error ? error : undefined);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, resolve);
  });
  const { port } = server.address() as AddressInfo; // a listening TCP server has one
  return {
    port,
    url: `http://${options.host}:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeIdleConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: EndpointOptions,
): Promise<void> {
  const path = (request.url ?? "/").split("?")[0]?.replace(/\/$/, "");
  if (path === "/health") return reply(response, 200, { status: "ok" });
  if (path !== "/generate" && path !== "/generate_raw") {
    return reply(response, 404, { error: "there are /generate/, /generate_raw/ and /health" });
  }
  if (request.method !== "POST") return reply(response, 405, { error: "POST only" });
  const body = await readBody(request);
  if (body === undefined) {
    return reply(response, 413, { error: `the request is longer than ${maxBodyBytes} bytes` });
  }
  const parsed = requestSchema.safeParse(parseFields(request.headers["content-type"] ?? "", body));
  if (!parsed.success) return reply(response, 400, { error: z.prettifyError(parsed.error) });

  const startedAt = performance.now();
  const { prompt, seed } = parsed.data;
  const generated = generate(seed === undefined ? { prompt } : { prompt, seed });
  const bytes = writePly(generated.splat);
  options.onGenerated?.({
    prompt,
    splats: generated.splat.count,
    sizeBytes: bytes.length,
    unknownWords: generated.unknownWords,
    durationMs: performance.now() - startedAt,
  });
  send(response, path === "/generate", bytes, generated);
}

function send(
  response: ServerResponse,
  asBase64: boolean,
  bytes: Uint8Array<ArrayBuffer>,
  generated: Generated,
): void {
  const unknown = generated.unknownWords.map(encodeURIComponent).join(",");
  if (unknown !== "") response.setHeader("x-unknown-words", unknown.slice(0, 4096));
  response.setHeader("content-type", asBase64 ? "text/plain" : "application/octet-stream");
  response.end(asBase64 ? Buffer.from(bytes).toString("base64") : bytes);
}

/** Undefined when it is too long; the rest is read and thrown away, so that the answer gets through. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length; // no encoding is set, so chunks are buffers
    if (size <= maxBodyBytes) chunks.push(chunk as Buffer);
  }
  return size > maxBodyBytes ? undefined : Buffer.concat(chunks).toString("utf8");
}

function parseFields(contentType: string, body: string): unknown {
  if (!contentType.startsWith("application/json")) {
    return Object.fromEntries(new URLSearchParams(body));
  }
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
