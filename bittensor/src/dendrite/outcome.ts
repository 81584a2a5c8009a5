/** What an exchange means to the caller: the Python dendrite's merging of status, body and headers, in its words. */
import type { IncomingHttpHeaders } from "node:http";
import {
  FieldError,
  isJsonObject,
  type Json,
  parseJson,
  parseSynapse,
  parseTerminal,
  type Synapse,
  type Terminal,
  terminal,
  type ValuesOf,
} from "../synapse/index.ts";
import { pythonFloat } from "../synapse/python.ts";
import { readTerminal } from "../synapse/terminal.ts";
import type { ExchangeOutcome } from "./exchange.ts";
import type { CallOutcome, DendriteOptions } from "./types.ts";

export interface OutcomeContext<S extends Synapse> {
  readonly synapse: S;
  /** `ip:port` that was dialled. */
  readonly endpoint: string;
  readonly timeoutS: number;
  readonly durationMs: number;
  readonly wording: NonNullable<DendriteOptions["wording"]>;
}

export function outcomeOf<S extends Synapse>(
  exchanged: ExchangeOutcome,
  context: OutcomeContext<S>,
): CallOutcome<S> {
  return exchanged.kind === "answered"
    ? answered(exchanged, context)
    : notAnswered(exchanged, context);
}

function answered<S extends Synapse>(
  exchanged: ExchangeOutcome & { readonly kind: "answered" },
  context: OutcomeContext<S>,
): CallOutcome<S> {
  const { status, headers } = exchanged;
  let axon = terminal({});
  let fields: ValuesOf<S> | undefined;
  try {
    const body = readBody(exchanged.body, String(headers["content-type"] ?? ""));
    if (status === 200) {
      fields = parseSynapse(context.synapse, objectOf(body)) as ValuesOf<S>; // that synapse's own values
      axon = readTerminal(objectOf(body).axon, "axon");
    } else if (context.wording === "current") {
      const { message = null } = objectOf(body);
      axon = terminal({
        status_code: status,
        status_message: typeof message === "string" ? message : null,
      });
    }
    // What the headers say of the axon counts most.
    axon = merge(axon, parseTerminal("axon", utf8Headers(headers)));
  } catch (error) {
    if (!(error instanceof Error)) {
      throw error;
    }
    return unreadable(error, context, true);
  }
  const base = { axon, durationMs: context.durationMs };
  if (fields !== undefined && axon.status_code === 200) {
    return { kind: "ok", fields, status: 200, message: axon.status_message ?? "", ...base };
  }
  return {
    kind: "failure",
    answered: true,
    status: axon.status_code,
    message: axon.status_message,
    ...base,
  };
}

function notAnswered<S extends Synapse>(
  exchanged: Exclude<ExchangeOutcome, { readonly kind: "answered" }>,
  context: OutcomeContext<S>,
): CallOutcome<S> {
  const { synapse, endpoint, timeoutS, wording } = context;
  const failure = (status: number, message: string, error?: Error): CallOutcome<S> => ({
    kind: "failure",
    answered: false,
    status,
    message,
    axon: terminal({}),
    durationMs: context.durationMs,
    ...(error === undefined ? {} : { error }),
  });
  const waited = pythonFloat(timeoutS);
  const legacy = wording === "legacy";
  switch (exchanged.kind) {
    case "timeout":
      return failure(
        408,
        legacy ? `Timedout after ${waited} seconds.` : `Request timeout after ${waited} seconds`,
      );
    case "unreachable":
      return failure(
        503,
        legacy
          ? `Service at ${endpoint}/${synapse.name} unavailable.`
          : `Service unavailable at ${endpoint}/${synapse.name}`,
        exchanged.error,
      );
    case "disconnected":
      if (legacy) {
        return unreadable(new Error("Server disconnected"), context, false);
      }
      return failure(503, "Service disconnected: Server disconnected", exchanged.error);
    case "brokenBody":
      if (legacy) {
        return unreadable(exchanged.error, context, false);
      }
      return failure(400, `Payload error: ${exchanged.error.message}`, exchanged.error);
    case "notHttp":
      if (legacy) {
        return unreadable(exchanged.error, context, false);
      }
      return failure(400, `Client response error: ${exchanged.error.message}`, exchanged.error);
  }
}

function unreadable<S extends Synapse>(
  error: Error,
  context: OutcomeContext<S>,
  answered: boolean,
): CallOutcome<S> {
  const words =
    context.wording === "legacy"
      ? "Failed to parse response object with error"
      : "Failed to parse response";
  return {
    kind: "failure",
    answered,
    status: 422,
    message: `${words}: ${error.message}`,
    axon: terminal({}),
    durationMs: context.durationMs,
    error,
  };
}

/** The dendrite reads every body as JSON, whatever the status. @throws Error */
function readBody(bytes: Buffer, contentType: string): Json {
  const mime = contentType.split(";")[0]?.trim().toLowerCase() ?? "";
  if (!/^application\/(?:[\w.+-]+\+)?json$/.test(mime)) {
    throw new Error(`the answer is ${mime === "" ? "of no type" : mime}, not application/json`);
  }
  return bytes.length === 0 ? null : parseJson(bytes.toString("utf8"));
}

/** Python clients read header bytes as UTF-8, Node as Latin-1. */
function utf8Headers(headers: IncomingHttpHeaders): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Buffer.from(String(value ?? ""), "latin1").toString("utf8"),
    ]),
  );
}

function objectOf(body: Json): { readonly [key: string]: Json } {
  if (!isJsonObject(body)) {
    throw new FieldError("body", "must be an object");
  }
  return body;
}

function merge(below: Terminal, above: Terminal): Terminal {
  const known = Object.entries(above).filter(([, value]) => value !== null);
  return { ...below, ...Object.fromEntries(known) };
}
