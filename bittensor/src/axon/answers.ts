/** The answers of one call, as far as its request is known, in the words of the caller's SDK family. */
import { randomUUID } from "node:crypto";
import type { Keypair } from "../keys/index.ts";
import {
  completeFields,
  type HeaderError,
  type Json,
  type Synapse,
  sdkVersionNumber,
  type Terminal,
} from "../synapse/index.ts";
import { type Answer, type AnswerContext, refusal, success } from "./answer.ts";
import { emptyHead, type RequestHead, type WireFamily } from "./request.ts";
import { answerSignature } from "./verify.ts";

/** Who answers. */
export interface Answerer {
  readonly hotkey: Keypair;
  /** Names this axon to its callers; another each time that it starts. */
  readonly uuid: string;
}

/** The call that is answered. */
export interface Answered {
  /** Unix ms */
  readonly receivedAt: number;
  /** When the call began, in ms of `performance.now()`. */
  readonly startedAt: number;
  /** The id that a 500 shows the caller. */
  errorId: string | undefined;
}

export type Answers = ReturnType<typeof answersOf>;

export function answersOf(us: Answerer, call: Answered, family: WireFamily) {
  const answerContext = (synapse: Synapse | undefined, head: RequestHead): AnswerContext => ({
    synapse,
    head,
    family,
    axon: synapse === undefined ? {} : ourEnd(us, call.receivedAt),
    processTimeS: (performance.now() - call.startedAt) / 1000,
  });
  const failed = (at: AnswerContext, reason: string): Answer => {
    if (family === "legacy") {
      return refusal(at, 500, `Internal server error with error: ${reason}`);
    }
    call.errorId = randomUUID();
    return refusal(at, 500, `Internal Server Error #${call.errorId}`, { detail: reason });
  };
  let known: () => AnswerContext = () => answerContext(undefined, emptyHead);
  return {
    /** An answer to a request whose class is not known, or not yet. */
    bare: (status: number, message: string, extra?: { readonly [key: string]: Json }) =>
      refusal(answerContext(undefined, emptyHead), status, message, extra),
    unparsable: (synapse: Synapse, error: HeaderError) => {
      const at = answerContext(undefined, emptyHead);
      return family === "legacy"
        ? refusal(
            at,
            400,
            `Improperly formatted request. Could not parse headers (${error.header}) into synapse of type ${synapse.name}.`,
          )
        : failed(at, error.message);
    },
    /** A fault of ours: the caller gets an id, the event the cause. */
    ownFault: () => {
      call.errorId = randomUUID();
      return refusal(known(), 500, `Internal Server Error #${call.errorId}`);
    },
    to: (synapse: Synapse, head: RequestHead) => {
      const at = (): AnswerContext & { readonly synapse: Synapse } => ({
        ...answerContext(synapse, head),
        synapse,
      });
      known = at;
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
            family === "legacy" ? { ...there, axon: signedEnd(us, there, head) } : there,
            fields as { readonly [key: string]: Json | undefined }, // read by the fields' own types
            totalSize,
          );
        },
      };
    },
  };
}

function ourEnd({ uuid, hotkey }: Answerer, nowMs: number): Partial<Terminal> {
  return {
    version: axonVersion,
    nonce: BigInt(Math.round(nowMs)) * 1_000_000n,
    uuid,
    hotkey: hotkey.ss58,
  };
}

/** Callers up to 7.1 are used to a signature of the axon; later ones get none with a success. */
function signedEnd(
  { hotkey, uuid }: Answerer,
  { axon }: AnswerContext,
  head: RequestHead,
): Partial<Terminal> {
  const signature = answerSignature(hotkey, axon.nonce ?? 0n, head.dendrite.hotkey ?? "", uuid);
  return { ...axon, signature };
}

/** The SDK version whose behaviour this axon has. */
const axonVersion = sdkVersionNumber("9.9.0");
