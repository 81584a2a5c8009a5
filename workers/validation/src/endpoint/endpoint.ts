/**
 * The drop-in validation endpoint: the routes of the subnet's own, so that an existing validator uses this worker by
 * changing one address.
 *
 * H1 A fault of ours answers 5xx and an asset that cannot be scored 422 with its code; neither is ever a score of 0.
 * H2 A request gets its place in a bounded line before its body is read, and the size, the prompt and the fields are
 *    checked before an asset is decoded.
 * H3 A caller that leaves costs nothing more.
 */
import { randomBytes } from "node:crypto";
import {
  createWorkQueue,
  type HttpContext,
  HttpError,
  type HttpRequestEvent,
  type HttpServer,
  startHttpServer,
} from "@turntable/process";
import { AssetError } from "@turntable/splat";
import { z } from "zod";
import { encodeGrid, encodePng } from "../pictures/index.ts";
import { version } from "../version.ts";
import {
  type EndpointScorer,
  type Judged,
  PoolUnavailableError,
  UnscorableAssetError,
} from "./scorers.ts";

export interface ValidationEndpointOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly score: EndpointScorer;
  /** The longest body of a request, in bytes. */
  readonly maxBodyBytes: number;
  /** How many requests may wait beside one in work; one more is answered 503. */
  readonly queueCapacity: number;
  /** Called in the trace of the request. */
  readonly onRequest?: (event: RequestEvent) => void;
}

/** What the event of a request that was scored says beside. */
interface ScoreFacts {
  readonly score: number;
  /** The views of a score can be rendered again with it. */
  readonly cameraSeed: bigint;
}
export type RequestEvent = HttpRequestEvent & Partial<ScoreFacts>;

export type ValidationEndpoint = HttpServer;

/** An asset of the largest size may come over a slow line, in ms. */
const requestTimeoutMs = 300_000;
/** The subnet's own limit, in characters. */
const maxPromptChars = 1024;

const requestSchema = z.object({
  prompt: z.string().min(1).max(maxPromptChars),
  /** The asset in base64; what it is, its bytes say. */
  data: z.base64().min(1),
  /** The version of the data in an HDF5: from 1 on it holds activated values. */
  data_ver: z.int().min(0).default(0),
  /** 0 none, 1 zstd around the file, 2 SPZ. */
  compression: z.int().min(0).max(2).default(0),
  generate_single_preview: z.boolean().default(false),
  generate_grid_preview: z.boolean().default(false),
  preview_score_threshold: z.number().default(0.8),
});
type ValidationRequest = z.infer<typeof requestSchema>;

/** What a route answers with. */
type Answer = (request: ValidationRequest, judged: Judged) => Promise<object>;

const scoreAlone: Answer = async (_, { score }) => ({ score });
const routes: ReadonlyMap<string, Answer> = new Map([
  ["/", scoreAlone],
  ["/validate", scoreAlone],
  ["/validate_ply", scoreAlone],
  ["/validate_txt_to_3d_ply", scoreAndPreviews],
]);

/** Listens until it is disposed; what is in work then is finished. */
export async function startValidationEndpoint({
  host,
  port,
  score,
  maxBodyBytes,
  queueCapacity,
  ...listeners
}: ValidationEndpointOptions): Promise<ValidationEndpoint> {
  await using stack = new AsyncDisposableStack();
  // H2: who has a place reads its body and waits for the scorer, which has an order of its own; nobody else waits.
  const places = createWorkQueue({ concurrency: queueCapacity + 1, capacity: 0 });
  const server = stack.use(
    await startHttpServer<ScoreFacts>({
      ...listeners,
      ...{ host, port, maxBodyBytes, requestTimeoutMs },
      errors: errorOf,
      failureBody: ({ code, message }) => ({ error: message, code, detail: message }),
      spanOf: (route) => (routes.has(route) ? "validate" : undefined),
      routes(app) {
        for (const [path, answerOf] of routes) {
          app.post(path, (context) =>
            places.run(() => answer(context, score, answerOf), context.var.signal),
          );
        }
        app.get("/version", (context) => context.json(version));
      },
    }),
  );
  stack.use(places); // stopped first: what is in work ends, and is answered
  const running = stack.move();
  return { ...server, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

async function answer(
  context: HttpContext<ScoreFacts>,
  judge: EndpointScorer,
  answerOf: Answer,
): Promise<Response> {
  const body = parseBody(await context.req.text());
  const cameraSeed = randomBytes(8).readBigUInt64LE();
  const judged = await judge({
    bytes: Buffer.from(body.data, "base64"),
    activated: body.data_ver >= 1,
    prompt: body.prompt,
    cameraSeed,
    signal: context.var.signal, // H3
  });
  const { score } = judged;
  if (!Number.isFinite(score)) {
    throw new Error(`the score came out as ${score}`);
  }
  const fields = await answerOf(body, judged);
  context.var.note({ score, cameraSeed });
  return context.json(fields);
}

/** The answer of October 2025. Its other metrics are not computed: iqa, ssim and lpips are 0. */
async function scoreAndPreviews(
  request: ValidationRequest,
  { score, pictures }: Judged,
): Promise<object> {
  const isShown = score >= request.preview_score_threshold;
  const isSingle = isShown && request.generate_single_preview;
  const isGrid = isShown && request.generate_grid_preview;
  const quarters = isGrid ? [0, 1 / 4, 2 / 4, 3 / 4] : isSingle ? [0] : [];
  const images = quarters.length === 0 ? [] : await pictures(quarters);
  const [first] = images;
  const base64 = async (png: Promise<Uint8Array>): Promise<string> =>
    Buffer.from(await png).toString("base64");
  return {
    score,
    iqa: 0,
    alignment_score: score,
    ssim: 0,
    lpips: 0,
    preview: isSingle && first !== undefined ? await base64(encodePng(first)) : null,
    grid_preview: isGrid ? await base64(encodeGrid(images)) : null,
  };
}

function parseBody(text: string): ValidationRequest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new HttpError(400, "bad-request", "the body is not JSON");
  }
  const parsed = requestSchema.safeParse(json);
  if (parsed.success) {
    return parsed.data;
  }
  throw new HttpError(400, "bad-request", z.prettifyError(parsed.error));
}

/** H1. The endpoint's own errors, beside those of every HTTP server. */
function errorOf(error: unknown): HttpError | undefined {
  // Who made the asset learns what is wrong with it.
  if (error instanceof AssetError || error instanceof UnscorableAssetError) {
    return new HttpError(422, error.code, error.message);
  }
  if (error instanceof PoolUnavailableError) {
    return new HttpError(503, error.code, "no worker could score it now; come back", {
      headers: { "retry-after": String(poolRetryS) },
      cause: error,
    });
  }
  return undefined;
}

/** By then a worker or the pool may be back, in seconds. */
const poolRetryS = 5;
