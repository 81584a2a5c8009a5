/** The steps of one call, from its head to its answer, in the order that `axon.ts` promises. */
import type { IncomingMessage } from "node:http";
import { type Context, context as openTelemetry, SpanKind, trace } from "@opentelemetry/api";
import { HeaderError, type Json, ping, type Synapse } from "../synapse/index.ts";
import { pythonRepr } from "../synapse/python.ts";
import { type Answer, headerSafe } from "./answer.ts";
import { type Answerer, type Answers, answersOf } from "./answers.ts";
import { type BodyBudget, type BodyLease, declaredBytes, readBody } from "./body.ts";
import { AxonError } from "./errors.ts";
import { askedFields, parseFields } from "./fields.ts";
import type { Gate } from "./gate.ts";
import type { AxonLimits, RefusalReason } from "./limits.ts";
import type { NonceRules } from "./nonces.ts";
import type { OpenedBody, OpenedPayload, OpenJob } from "./open-body.ts";
import {
  checkZeros,
  parseHead,
  type RequestHead,
  targetOf,
  type WireFamily,
  wireFamilyOf,
} from "./request.ts";
import { route } from "./route.ts";
import type { AxonRoute, Caller, Payload } from "./types.ts";
import { type ProofRules, prove } from "./verify.ts";
import type { VerifyJob } from "./verify-thread.ts";

export interface CallContext extends Answerer {
  readonly routes: ReadonlyMap<string, AxonRoute>;
  readonly nonces: NonceRules;
  readonly pingNonces: NonceRules;
  readonly publicKeyOf: ProofRules["publicKeyOf"];
  readonly gate: Gate;
  /** @param urgent of a caller who proved itself lately; undefined when too many wait */
  readonly verify: (job: VerifyJob, urgent: boolean) => Promise<boolean> | undefined;
  /** Always waits: callers with a call in progress are few. */
  readonly verifyAdmitted: (job: VerifyJob) => Promise<boolean>;
  /** Undefined when too many wait. */
  readonly open: (job: OpenJob, sizeBytes: number) => Promise<OpenedBody> | OpenedBody | undefined;
  readonly budget: BodyBudget;
  readonly limits: AxonLimits;
  readonly now: () => number;
  /** Aborted when the axon shuts down for good. */
  readonly stop: AbortSignal;
}

/** The call as its connection knows it. */
export interface CallOrigin {
  readonly remoteAddress: string;
  /** See `addressKey`. */
  readonly address: string;
  /** Asks for the body, where the caller waits for that. */
  readonly invite: () => void;
  /** The caller, known here, has proved itself. */
  readonly onProved: () => void;
  readonly onRefused: (reason: RefusalReason) => void;
  /** Aborted when the caller hangs up. */
  readonly gone: AbortSignal;
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
  /** What an unproven request counts against its address, in requests. */
  cost: number;
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
  origin: CallOrigin,
): Promise<Answer> {
  const family = wireFamilyOf(req);
  const answers = answersOf(context, progress, family);
  let lease: BodyLease | undefined;
  let leave: (() => void) | undefined;
  try {
    const target = targetOf(req);
    if (target.kind === "nowhere") {
      return answers.bare(404, "Not Found", { detail: "Not Found" });
    }
    if (target.kind === "wrongMethod") {
      return withHeaders(
        answers.bare(405, "Method Not Allowed", { detail: "Method Not Allowed" }),
        ["allow", "GET, POST"],
      );
    }
    if (target.kind === "redirect") {
      return withHeaders(answers.bare(307, "Temporary Redirect"), ["location", target.location]);
    }

    const attached =
      context.routes.get(target.name) ?? (target.name === ping.name ? pingRoute : undefined);
    if (attached === undefined) {
      return answers.bare(404, unknownClass(target.name, [...context.routes.keys()]));
    }
    const { synapse, handler } = attached;
    progress.synapse = synapse.name;

    let head: RequestHead;
    try {
      head = parseHead(req);
    } catch (error) {
      if (error instanceof HeaderError) {
        return answers.unparsable(synapse, error);
      }
      throw error;
    }
    const hotkey = head.dendrite.hotkey ?? "";
    progress.hotkey = head.dendrite.hotkey ?? undefined;
    progress.sdkVersion = head.dendrite.version ?? undefined;
    const answer = answers.to(synapse, head);
    const refused = (reason: RefusalReason, status: number, message: string): Answer => {
      origin.onRefused(reason);
      return answer.refused(status, message);
    };
    const caller: Caller = {
      hotkey,
      remoteAddress: origin.remoteAddress,
      sdkVersion: head.dendrite.version ?? undefined,
    };

    // Before a caller is judged that could not say who it is.
    if (handler.blacklist !== undefined && head.dendrite.hotkey === null) {
      return answer.refused(401, notVerified(missingHotkey(req)));
    }
    const stranger = handler.blacklist?.(caller);
    if (stranger !== undefined) {
      return answer.refused(403, blacklisted(stranger));
    }
    if (declaredBytes(req) > synapse.maxBodyBytes) {
      return refused("body-size", 413, tooLarge(synapse));
    }
    try {
      checkZeros(req, synapse);
    } catch (error) {
      if (error instanceof HeaderError) {
        return answers.unparsable(synapse, error);
      }
      throw error;
    }

    const verifyStart = performance.now();
    const urgent = context.gate.isKnownCaller(origin.address, hotkey);
    const proof = await prove(
      head,
      family,
      {
        ...(attached === pingRoute ? context.pingNonces : context.nonces),
        axonHotkey: context.hotkey.ss58,
        publicKeyOf: context.publicKeyOf,
        verify: (job) => context.verify(job, urgent),
      },
      progress.receivedAt,
    );
    progress.verifyMs = performance.now() - verifyStart;
    if (proof.kind === "busy") {
      progress.cost = 0; // not the caller's fault
      return refused("verify-queue", 503, "Too many requests at one time; try again later");
    }
    if (proof.kind === "full") {
      return refused("nonces", 401, notVerified(tooManyNonces));
    }
    if (proof.kind === "unproved") {
      progress.cost = proof.tries;
      return answer.refused(401, notVerified(proof.fault));
    }
    progress.verified = true;
    progress.trace = withSpan(progress, synapse.name);
    // Anybody may ping, so a ping makes nobody known.
    if (attached !== pingRoute) {
      origin.onProved();
    }
    leave = context.gate.enter(hotkey);
    if (leave === undefined) {
      return refused("hotkey-calls", 403, blacklisted(tooManyCalls));
    }

    const limited = handler.admit?.(caller);
    if (limited !== undefined) {
      return answer.refused(403, blacklisted(limited));
    }

    const read = await readCall(context, req, {
      synapse,
      head,
      hotkey,
      family,
      answer,
      origin,
      progress,
    });
    if (read.kind === "answered") {
      return read.answer;
    }
    lease = read.lease;
    const handleStart = performance.now();
    try {
      const call = {
        ...caller,
        fields: read.fields,
        payload: read.payload?.payload,
        releaseBody() {
          read.payload?.drop();
          lease?.release();
        },
        hasSigned: (text: string, signature: Uint8Array) =>
          hasSigned(context, hotkey, text, signature),
        receivedAt: progress.receivedAt,
        timeoutS: head.timeoutS,
        signal: AbortSignal.any([origin.gone, context.stop]),
      };
      const output = await openTelemetry.with(progress.trace, () => handler.handle(call));
      return answer.succeeded(read.fields, output, read.totalSize);
    } catch (error) {
      if (error instanceof AxonError) {
        return answer.refused(error.status, error.message);
      }
      throw error;
    } finally {
      progress.handleMs = performance.now() - handleStart;
    }
  } catch (error) {
    progress.error = error;
    return answers.ownFault();
  } finally {
    lease?.release();
    leave?.();
  }
}

interface Admitted {
  readonly synapse: Synapse;
  readonly head: RequestHead;
  /** The proven one. */
  readonly hotkey: string;
  readonly family: WireFamily;
  readonly answer: ReturnType<Answers["to"]>;
  readonly origin: CallOrigin;
  readonly progress: Progress;
}

type ReadCall =
  | { readonly kind: "answered"; readonly answer: Answer }
  | {
      readonly kind: "read";
      readonly fields: { readonly [field: string]: unknown };
      readonly totalSize: Json;
      readonly payload: HeldPayload | undefined;
      readonly lease: BodyLease | undefined;
    };

/** Reads and opens the body. On its own, so that nothing of it is held while the handler works but what it has. */
async function readCall(
  { budget, limits, open }: CallContext,
  req: IncomingMessage,
  { synapse, head, hotkey, family, answer, origin, progress }: Admitted,
): Promise<ReadCall> {
  const answered = (told: Answer): ReadCall => ({ kind: "answered", answer: told });
  const refused = (reason: keyof typeof bodyRefusals): ReadCall => {
    origin.onRefused(reason);
    const [status, message] = bodyRefusals[reason];
    return answered(answer.refused(status, message ?? tooLarge(synapse)));
  };
  const encoding = req.headers["content-encoding"]?.trim() ?? "";
  if (encoding !== "" && encoding.toLowerCase() !== "identity") {
    return answered(answer.refused(415, compressed(encoding)));
  }
  const startedAt = performance.now();
  origin.invite();
  const limitBytes = synapse.maxBodyBytes;
  const body = await readBody(req, { limitBytes, limits, budget, hotkey });
  progress.bodyMs = performance.now() - startedAt;
  if (body.kind === "gone") {
    return answered(answer.refused(400, "The body did not arrive"));
  }
  if (body.kind === "refused") {
    return refused(body.reason);
  }
  progress.bodyBytes = body.sizeBytes;
  let handedOn = false;
  try {
    const mime = req.headers["content-type"];
    if (mime !== undefined && !isJsonType(mime)) {
      const problem = `body is ${headerSafe(mime)}, not application/json`;
      return answered(
        family === "legacy"
          ? answer.refused(422, `The ${problem}`)
          : answer.faulty(`the ${problem}`),
      );
    }
    if (body.sizeBytes === 0) {
      return answered(answer.faulty("the body is empty"));
    }
    const rules = {
      fields: askedFields(synapse),
      payload: synapse.payload,
      maxDepth: limits.bodyDepth,
      maxValues: limits.bodyValues,
      maxRestBytes: synapse.payload === undefined ? limitBytes : limits.bodyRestBytes,
    };
    const opened = await open({ pieces: body.pieces, rules }, body.sizeBytes);
    if (opened === undefined) {
      return refused("body-budget");
    }
    if (opened.kind === "notJson") {
      const detail = [{ type: "json_invalid", loc: ["body"], msg: "JSON decode error" }];
      return answered(answer.refused(422, "The body is not JSON", { detail }));
    }
    if (opened.kind === "notObject") {
      return answered(answer.faulty("the body is not a JSON object"));
    }
    if (opened.kind === "beyond") {
      origin.onRefused("body-shape");
      return answered(answer.refused(422, `The body is too much: ${opened.limit}`));
    }
    const parsed = parseFields(opened.text, synapse, head, hotkey);
    if (parsed.kind === "impostor") {
      return answered(answer.refused(401, notVerified(parsed.message)));
    }
    if (parsed.kind === "misfit") {
      return answered(answer.faulty(parsed.message));
    }
    handedOn = true;
    const { fields, totalSize } = parsed;
    const payload = hold(opened.payload);
    return { kind: "read", fields, totalSize, payload, lease: body.lease };
  } finally {
    if (!handedOn) {
      body.lease?.release();
    }
  }
}

async function hasSigned(
  { publicKeyOf, verifyAdmitted }: Pick<CallContext, "publicKeyOf" | "verifyAdmitted">,
  hotkey: string,
  text: string,
  signature: Uint8Array,
): Promise<boolean> {
  const publicKey = publicKeyOf(hotkey);
  if (publicKey === undefined || signature.length !== 64) {
    return false;
  }
  const hex = Buffer.from(signature).toString("hex");
  return await verifyAdmitted({ message: text, signature: hex, publicKey, form: "either" });
}

/** A span that began when the request came. */
function withSpan({ trace: parent, startedAt }: Progress, name: string): Context {
  const span = trace
    .getTracer("@turntable/bittensor")
    .startSpan(name, { kind: SpanKind.SERVER, startTime: startedAt }, parent);
  return trace.setSpan(parent, span);
}

/** The ping that every axon answers: an empty synapse. Anybody may send it, so its body gets no share of the budget. */
const pingRoute = route({ ...ping, maxBodyBytes: 16 * 1024 }, { handle: () => ({}) });

const bodyRefusals = {
  "body-size": [413, undefined],
  "body-budget": [503, "Too many large requests at one time; try again later"],
  "body-of-hotkey": [503, "Another large request of this hotkey is on its way; send one at a time"],
  "slow-body": [408, "The body came in too slowly"],
} as const;

/** Unpacking would undo the limits on what a body may cost. */
function compressed(encoding: string): string {
  return `The body has Content-Encoding ${headerSafe(encoding)}; send it as it is, without one`;
}

const tooManyCalls = "Too many requests of this hotkey at one time";
const tooManyNonces =
  "Too many nonces of this hotkey are remembered; use one uuid for many requests, or a newer SDK";

function tooLarge({ maxBodyBytes }: Synapse): string {
  return `The body exceeds the limit of ${maxBodyBytes} bytes`;
}

interface HeldPayload {
  readonly payload: Payload;
  readonly drop: () => void;
}

/** Holds the bytes until they are taken or dropped, and no longer. */
function hold(opened: OpenedPayload | undefined): HeldPayload | undefined {
  if (opened === undefined) {
    return undefined;
  }
  if (opened.kind === "malformed") {
    return { payload: opened, drop: () => undefined };
  }
  const { sha256 } = opened;
  const sizeBytes = opened.bytes.length;
  let held: Uint8Array | undefined = opened.bytes;
  const drop = (): void => {
    held = undefined;
  };
  const take = (): Uint8Array => {
    const bytes = held;
    drop();
    if (bytes === undefined) {
      throw new Error("the payload is not held any more");
    }
    return bytes;
  };
  return { payload: { kind: "bytes", sizeBytes, sha256, take }, drop };
}

function isJsonType(mime: string): boolean {
  return /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(mime.trim());
}

function withHeaders(answer: Answer, headers: readonly string[]): Answer {
  return { ...answer, headers: [...answer.headers, ...headers] };
}

function unknownClass(name: string, known: readonly string[]): string {
  const shown = name.length > 64 ? `${name.slice(0, 61)}...` : name;
  const available = [ping.name, ...known.filter((entry) => entry !== ping.name)];
  return `Synapse name '${shown}' not found. Available synapses ${pythonRepr(available)}`;
}

function missingHotkey({ headers }: Pick<IncomingMessage, "headers">): string {
  const missing = "Missing Hotkey: the header bt_header_dendrite_hotkey did not arrive";
  const hasOthers = Object.keys(headers).some((name) => name.startsWith("bt_header_"));
  return hasOthers
    ? missing
    : `${missing}, nor any bt_header_; a proxy on the way likely drops headers with underscores (nginx: underscores_in_headers on)`;
}

function blacklisted(reason: string): string {
  return `Forbidden. Key is blacklisted: ${reason}.`;
}

function notVerified(reason: string): string {
  return `Not Verified with error: ${reason}`;
}
