/**
 * The miner's side of the generation endpoint: `POST /generate/`, a form in, the asset out: base64 text as endpoints of
 * 2024 answer, or its bytes as those of 2025 do. The content tells which.
 */
import { createHash } from "node:crypto";
import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { context, propagation } from "@opentelemetry/api";

export type Generation =
  | { readonly kind: "made"; readonly bytes: Buffer }
  | { readonly kind: "failed"; readonly reason: string };

export interface GenerationLimits {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /**
   * 0 to 2³² − 1, for generators that know it: the same prompt gives another object then, as it should for each task,
   * since validators do not reward the same one twice. Others skip the field.
   */
  readonly seed?: number;
}

/** Larger answers are given up; characters of base64, or bytes. Validators take 128 MiB. */
const maxAnswerChars = 120 * 1024 * 1024;
/** How much of an answer that says what went wrong is quoted, in characters: an endpoint may send a whole page. */
const maxReasonChars = 200;

/**
 * Asks the endpoint at `url` (its root, or the whole path of its own choice). A failure of the endpoint is a value;
 * only the caller's own signal throws.
 */
export async function requestGeneration(
  url: string,
  prompt: string,
  { timeoutMs, signal, seed }: GenerationLimits,
): Promise<Generation> {
  const patience = AbortSignal.timeout(Math.max(0, Math.floor(timeoutMs)));
  try {
    const response = await post(
      url,
      { prompt, ...(seed === undefined ? {} : { seed: String(seed) }) },
      AbortSignal.any([signal, patience]),
    );
    const text = await readText(response);
    if (response.statusCode !== 200) {
      return failed(
        `the generation endpoint answered ${response.statusCode}: ${text.slice(0, maxReasonChars)}`,
      );
    }
    const isAsset = assetBeginnings.some((beginning) => text.startsWith(beginning));
    return isAsset ? made(Buffer.from(text, "latin1")) : decode(text.trim());
  } catch (error) {
    signal.throwIfAborted();
    if (patience.aborted) {
      return failed(`not generated within ${Math.round(timeoutMs / 1000)} s`);
    }
    return failed(`the generation endpoint ${url} failed: ${messageOf(error)}`);
  }
}

/** The seed of a miner's try at a task: another for each task, miner and round, the same each time. */
export function seedFor(taskId: string, hotkey: string, round = 0): number {
  const turn = round === 0 ? "" : ` ${round}`;
  return createHash("sha256").update(`${taskId} ${hotkey}${turn}`).digest().readUInt32BE();
}

/** Not `fetch`: that gives up when an answer's headers take five minutes, and generation may take nine. */
function post(
  url: string,
  form: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const target = new URL(url);
  if (target.pathname === "/") {
    target.pathname = "/generate/";
  }
  const request = target.protocol === "https:" ? requestHttps : requestHttp;
  const body = new URLSearchParams(form).toString();
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

/** How PLY, gzip (SPZ), SPZ 4 and HDF5 begin; none of it is base64. */
const assetBeginnings = ["ply\n", "ply\r", "\u001f\u008b", "NGSP", "\u0089HDF"];

/** One character a byte: base64 is ASCII, and assets come back from it unharmed. */
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
    return failed("the generation endpoint's answer is neither an asset nor base64");
  }
  return made(Buffer.from(base64, "base64"));
}

function made(bytes: Buffer): Generation {
  return { kind: "made", bytes };
}

function failed(reason: string): Generation {
  return { kind: "failed", reason };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
