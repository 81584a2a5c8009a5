/** The steps of one call, from its head to its answer, in the order that `axon.ts` promises. */
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { type Context, context as openTelemetry, SpanKind, trace } from "@opentelemetry/api";
import type { Keypair } from "../keys/index.ts";
import {
  bodyHash,
  completeFields,
  FieldError,
  HeaderError,
  isJsonObject,
  type Json,
  parseJson,
  parseSynapse,
  ping,
  type Synapse,
  sdkVersionNumber,
  type Terminal,
} from "../synapse/index.ts";
import { pythonRepr } from "../synapse/python.ts";
import { readTerminal } from "../synapse/terminal.ts";
import { type Answer, type AnswerContext, headerSafe, refusal, success } from "./answer.ts";
import { type BodyBudget, readBody } from "./body.ts";
import { AxonError } from "./errors.ts";
import type { NonceRules } from "./nonces.ts";
import {
  emptyHead,
  type Family,
  familyOf,
  parseHead,
  type RequestHead,
  targetOf,
} from "./request.ts";
import { route } from "./route.ts";
import type { AxonLimits, AxonRoute, Caller } from "./types.ts";
import { answerSignature, proofFault } from "./verify.ts";

export interface CallContext {
  readonly hotkey: Keypair;
  /** Of this axon, as long as it runs. */
  readonly uuid: string;
  readonly routes: ReadonlyMap<string, AxonRoute>;
  readonly nonces: NonceRules;
  readonly pingNonces: NonceRules;
  readonly budget: BodyBudget;
  readonly limits: AxonLimits;
  readonly now: () => number;
  /** Aborted when the axon shuts down for good. */
  readonly stop: AbortSignal;
}

/** What the call's event will tell; filled in on the way. */
export interface Progress {
  readonly receivedAt: number;
  readonly startedAt: number;
  synapse: string | undefined;
  hotkey: string | undefined;
  verified: boolean;
  sdkVersion: number | undefined;
  bodyBytes: number;
  verifyMs: number;
  bodyMs: number;
  handleMs: number;
  error: unknown;
  errorId: string | undefined;
  /** The trace of the request; from the proof of its caller on, with a span of ours that ends with the answer. */
  trace: Context;
}

/** Never throws: what goes wrong is an answer too. */
export async function handleCall(
  context: CallContext,
  req: IncomingMessage,
  progress: Progress,
  callerGone: AbortSignal,
): Promise<Answer> {
  const family = familyOf(req);
  const answers = answersOf(context, progress, family);
  try {
    const target = targetOf(req);
    if (target.kind === "nowhere") return answers.bare(404, "Not Found", { detail: "Not Found" });
    if (target.kind === "wrongMethod")
      return withHeaders(
        answers.bare(405, "Method Not Allowed", { detail: "Method Not Allowed" }),
        ["allow", "GET, POST"],
      );
    if (target.kind === "redirect")
      return withHeaders(answers.bare(307, "Temporary Redirect"), ["location", target.location]);

    const attached =
      context.routes.get(target.name) ?? (target.name === ping.name ? pingRoute : undefined);
    if (attached === undefined)
      return answers.bare(404, unknownClass(target.name, [...context.routes.keys()]));
    const { synapse, handler } = attached;
    progress.synapse = synapse.name;

    let head: RequestHead;
    try {
      head = parseHead(req, synapse);
    } catch (error) {
      if (error instanceof HeaderError) return answers.unparsable(synapse, error);
      throw error;
    }
    progress.hotkey = head.dendrite.hotkey ?? undefined;
    progress.sdkVersion = head.dendrite.version ?? undefined;
    const answer = answers.to(synapse, head);
    const caller: Caller = {
      hotkey: head.dendrite.hotkey ?? "",
      remoteAddress: req.socket.remoteAddress ?? "",
      sdkVersion: head.dendrite.version ?? undefined,
    };

    const stranger = handler.blacklist?.(caller);
    if (stranger !== undefined) return answer.refused(403, blacklisted(stranger));

    const verifyStart = performance.now();
    const rules = attached === pingRoute ? context.pingNonces : context.nonces;
    const unproven = proofFault(head, family, context.hotkey.ss58, rules, progress.receivedAt);
    progress.verifyMs = performance.now() - verifyStart;
    if (unproven !== undefined) return answer.refused(401, notVerified(unproven));
    progress.verified = true;
    progress.trace = withSpan(progress, synapse.name);

    const limited = handler.admit?.(caller);
    if (limited !== undefined) return answer.refused(403, blacklisted(limited));

    const bodyStart = performance.now();
    const { limits, budget } = context;
    const body = await readBody(req, synapse.maxBodyBytes, budget, limits.idleMs);
    progress.bodyMs = performance.now() - bodyStart;
    if (body.kind === "tooLarge")
      return answer.refused(413, `The body exceeds the limit of ${body.limitBytes} bytes`);
    if (body.kind === "busy")
      return answer.refused(503, "Too many large requests at one time; try again later");
    if (body.kind === "gone") return answer.refused(400, "The body did not arrive");
    progress.bodyBytes = body.bytes.length;
    try {
      const mime = req.headers["content-type"];
      if (mime !== undefined && !isJsonType(mime))
        return family === "L"
          ? answer.refused(422, `The body is ${headerSafe(mime)}, not application/json`)
          : answer.faulty(`the body is ${headerSafe(mime)}, not application/json`);
      const parsed = parseBody(body.bytes, synapse, head, caller.hotkey);
      if (parsed.kind === "notJson") return answer.refused(422, parsed.message, parsed.extra);
      if (parsed.kind === "impostor") return answer.refused(401, notVerified(parsed.message));
      if (parsed.kind === "misfit") return answer.faulty(parsed.message);

      const handleStart = performance.now();
      try {
        const call = {
          ...caller,
          fields: parsed.fields,
          receivedAt: progress.receivedAt,
          timeoutS: head.timeoutS,
          signal: AbortSignal.any([callerGone, context.stop]),
        };
        const output = await openTelemetry.with(progress.trace, () => handler.handle(call));
        return answer.succeeded(parsed.fields, output, parsed.totalSize);
      } finally {
        progress.handleMs = performance.now() - handleStart;
      }
    } catch (error) {
      if (error instanceof AxonError) return answer.refused(error.status, error.message);
      throw error;
    } finally {
      budget.giveBack(body.bytes.length);
    }
  } catch (error) {
    progress.error = error;
    return answers.ownFault();
  }
}

/** A span that began when the request came. */
function withSpan({ trace: parent, startedAt }: Progress, name: string): Context {
  const span = trace
    .getTracer("@turntable/bittensor")
    .startSpan(name, { kind: SpanKind.SERVER, startTime: startedAt }, parent);
  return trace.setSpan(parent, span);
}

/** The ping that every axon answers: an empty synapse. */
const pingRoute = route(ping, { handle: () => ({}) });

type ParsedBody =
  | {
      readonly kind: "parsed";
      readonly fields: { readonly [field: string]: unknown };
      readonly totalSize: Json;
    }
  | {
      readonly kind: "notJson";
      readonly message: string;
      readonly extra: { readonly [key: string]: Json };
    }
  | { readonly kind: "impostor"; readonly message: string }
  /** JSON that is no such synapse, or not the one that was signed. */
  | { readonly kind: "misfit"; readonly message: string };

/** Strict: what is not UTF-8 is no JSON, instead of JSON with other characters. */
const utf8 = new TextDecoder("utf-8", { fatal: true });

function isJsonType(mime: string): boolean {
  return /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(mime.trim());
}

function parseBody(bytes: Buffer, synapse: Synapse, head: RequestHead, hotkey: string): ParsedBody {
  if (bytes.length === 0) return { kind: "misfit", message: "the body is empty" };
  let json: Json;
  try {
    json = parseJson(utf8.decode(bytes));
  } catch {
    const detail = [{ type: "json_invalid", loc: ["body"], msg: "JSON decode error" }];
    return { kind: "notJson", message: "The body is not JSON", extra: { detail } };
  }
  if (!isJsonObject(json)) return { kind: "misfit", message: "the body is not a JSON object" };
  const named = isJsonObject(json.dendrite) ? json.dendrite.hotkey : undefined;
  if (named !== undefined && named !== null && named !== hotkey)
    return { kind: "impostor", message: "The body names another hotkey than the headers" };
  try {
    // Nothing of them is used, but a caller who gets them wrong learns it here, as from the Python axon
    readTerminal(json.dendrite, "dendrite");
    readTerminal(json.axon, "axon");
    const fields = parseSynapse(synapse, json);
    const hash = bodyHash(synapse, fields);
    if (hash !== head.computedBodyHash)
      return {
        kind: "misfit",
        message: `Hash mismatch between header body hash ${head.computedBodyHash} and parsed body hash ${hash}`,
      };
    const size = json.total_size;
    return { kind: "parsed", fields, totalSize: typeof size === "number" ? size : 0 };
  } catch (error) {
    if (error instanceof FieldError) return { kind: "misfit", message: error.message };
    throw error;
  }
}

/** The answers of one call, as far as its request is known. */
function answersOf(context: CallContext, progress: Progress, family: Family) {
  const answerContext = (synapse: Synapse | undefined, head: RequestHead): AnswerContext => ({
    synapse,
    head,
    family,
    axon: synapse === undefined ? {} : ourEnd(context, progress.receivedAt),
    processTimeS: (performance.now() - progress.startedAt) / 1000,
  });
  const failed = (at: AnswerContext, reason: string): Answer => {
    if (family === "L") return refusal(at, 500, `Internal server error with error: ${reason}`);
    progress.errorId = randomUUID();
    return refusal(at, 500, `Internal Server Error #${progress.errorId}`, { detail: reason });
  };
  let known = answerContext(undefined, emptyHead);
  return {
    /** Before the class is known. */
    bare: (status: number, message: string, extra?: { readonly [key: string]: Json }) =>
      refusal(known, status, message, extra),
    unparsable: (synapse: Synapse, error: HeaderError) =>
      family === "L"
        ? refusal(
            known,
            400,
            `Improperly formatted request. Could not parse headers (${error.header}) into synapse of type ${synapse.name}.`,
          )
        : failed(known, error.message),
    /** A fault of ours: the caller gets an id, the event the cause. */
    ownFault: () => {
      progress.errorId = randomUUID();
      return refusal(known, 500, `Internal Server Error #${progress.errorId}`);
    },
    to: (synapse: Synapse, head: RequestHead) => {
      const at = (): AnswerContext & { readonly synapse: Synapse } => ({
        ...answerContext(synapse, head),
        synapse,
      });
      known = at();
      return {
        refused: (status: number, message: string, extra?: { readonly [key: string]: Json }) =>
          refusal(at(), status, message, extra),
        faulty: (reason: string) => failed(at(), reason),
        succeeded: (
          input: { readonly [field: string]: unknown },
          output: { readonly [field: string]: unknown },
          totalSize: Json,
        ) => {
          const blank = Object.fromEntries(synapse.blanked.map((name) => [name, ""]));
          const fields = completeFields(synapse, { ...input, ...blank, ...output });
          const there = at();
          return success(
            family === "L" ? { ...there, axon: signedEnd(context, there, head) } : there,
            fields as { readonly [key: string]: Json | undefined }, // read by the fields' own types
            totalSize,
          );
        },
      };
    },
  };
}

function ourEnd(context: CallContext, nowMs: number): Partial<Terminal> {
  return {
    version: axonVersion,
    nonce: BigInt(Math.round(nowMs)) * 1_000_000n,
    uuid: context.uuid,
    hotkey: context.hotkey.ss58,
  };
}

/** Callers up to 7.1 are used to a signature of the axon; later ones get none with a success. */
function signedEnd(
  context: CallContext,
  { axon }: AnswerContext,
  head: RequestHead,
): Partial<Terminal> {
  const signature = answerSignature(
    context.hotkey,
    axon.nonce ?? 0n,
    head.dendrite.hotkey ?? "",
    context.uuid,
  );
  return { ...axon, signature };
}

/** The SDK version whose behaviour this axon has. */
const axonVersion = sdkVersionNumber("9.9.0");

function withHeaders(answer: Answer, headers: readonly string[]): Answer {
  return { ...answer, headers: [...answer.headers, ...headers] };
}

function unknownClass(name: string, known: readonly string[]): string {
  const shown = name.length > 64 ? `${name.slice(0, 61)}...` : name;
  const available = [ping.name, ...known.filter((entry) => entry !== ping.name)];
  return `Synapse name '${shown}' not found. Available synapses ${pythonRepr(available)}`;
}

function blacklisted(reason: string): string {
  return `Forbidden. Key is blacklisted: ${reason}.`;
}

function notVerified(reason: string): string {
  return `Not Verified with error: ${reason}`;
}
