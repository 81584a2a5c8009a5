/**
 * Answers, in a form that callers with any SDK version understand: whatever the status, the body is a JSON object
 * and the headers carry the status again (older callers see nothing else of it).
 */
import type { Json, Synapse, Terminal } from "../synapse/index.ts";
import { stringifyJson, terminal, terminalHeaders, zeroHeaders } from "../synapse/index.ts";
import { pythonFloat } from "../synapse/python.ts";
import { emptyBodyHash } from "../synapse/synapse.ts";
import type { RequestHead, WireFamily } from "./request.ts";

export interface Answer {
  readonly status: number;
  readonly message: string;
  /** Names and values in turn, in the order of the SDK. */
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** What an answer is made of beside its outcome. */
export interface AnswerContext {
  /** The class; undefined when it is not known or the headers could not be read. */
  readonly synapse: Synapse | undefined;
  readonly head: RequestHead;
  readonly family: WireFamily;
  /** Ourselves, without status. */
  readonly axon: Partial<Terminal>;
  /** Seconds since the headers arrived. */
  readonly processTimeS: number;
}

/** Characters of a status message in the headers: aiohttp refuses header values above 8190. */
const maxHeaderMessage = 1000;

/** The default of the SDK's base class. */
const defaultTimeoutS = 12;

export function refusal(
  context: AnswerContext,
  status: number,
  message: string,
  extra: { readonly [key: string]: Json } = {},
): Answer {
  return {
    status,
    message,
    headers: answerHeaders(context, status, message, []),
    body: Buffer.from(stringifyJson({ message, ...extra })),
  };
}

/** The whole synapse, with the answer's fields filled in. @throws FieldError when the handler left one out */
export function success(
  context: AnswerContext & { readonly synapse: Synapse },
  fields: { readonly [key: string]: Json | undefined },
  totalSize: Json,
): Answer {
  const { synapse, head } = context;
  const axon = ourEnd(context, 200, "Success");
  const body = stringifyJson({
    name: synapse.name,
    timeout: head.timeoutS ?? defaultTimeoutS,
    total_size: totalSize,
    header_size: 0,
    dendrite: { ...head.dendrite },
    axon: { ...axon },
    computed_body_hash: "",
    ...(context.family === "legacy" ? { required_hash_fields: [...synapse.hashed] } : {}),
    ...fields,
  });
  return {
    status: 200,
    message: "Success",
    headers: answerHeaders(context, 200, "Success", zeroHeaders(synapse, fields)),
    body: Buffer.from(body),
  };
}

/** Printable ASCII, on one line: anything else is damaged on the way, or breaks Python's server and client. */
export function headerSafe(text: string): string {
  const ascii = text.replace(/\s+/g, " ").replace(/[^\x20-\x7e]/g, "?");
  return ascii.length > maxHeaderMessage ? `${ascii.slice(0, maxHeaderMessage - 3)}...` : ascii;
}

function ourEnd(context: AnswerContext, status: number, message: string): Terminal {
  return terminal({
    ...context.axon,
    ip: context.head.axon.ip,
    port: context.head.axon.port,
    status_code: status,
    status_message: message,
    process_time: context.processTimeS,
  });
}

function answerHeaders(
  context: AnswerContext,
  status: number,
  message: string,
  zeros: readonly (readonly [field: string, value: string])[],
): readonly string[] {
  const { synapse, head } = context;
  const headers: [string, string][] = [
    ["name", synapse?.name ?? "Synapse"],
    ["timeout", pythonFloat(head.timeoutS ?? defaultTimeoutS)],
  ];
  const add = (entries: readonly (readonly [string, string])[]): void => {
    for (const [name, value] of entries) {
      headers.push([name, headerSafe(value)]);
    }
  };
  add(terminalHeaders("axon", ourEnd(context, status, message)));
  add(terminalHeaders("dendrite", head.dendrite));
  add(zeros.map(([field, value]) => [`bt_header_input_obj_${field}`, value] as const));
  add([
    // CPython memory sizes, which nobody can or does check
    ["header_size", "0"],
    ["total_size", "0"],
    ["computed_body_hash", head.computedBodyHash ?? emptyBodyHash],
    ["content-type", "application/json"],
  ]);
  return headers.flat();
}
