/** Details of a refused call, as any gRPC client reads them: google.rpc.Status in the trailer `grpc-status-details-bin`. */
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { type Any, anyPack, anyUnpack, durationFromMs, durationMs } from "@bufbuild/protobuf/wkt";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  QuotaFailureSchema,
  RetryInfoSchema,
} from "./gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "./gen/google/rpc/status_pb.ts";

export interface ErrorDetails {
  /** What happened, for programs (ErrorInfo): `FIELD_TOO_LARGE`; empty when the server does not say. */
  readonly reason: string;
  /** Fields of the request that are wrong (BadRequest). */
  readonly fields: readonly FieldProblem[];
  /** Limits that stand in the way (QuotaFailure). */
  readonly limits: readonly LimitProblem[];
  /** Trying again earlier makes no sense, in ms (RetryInfo); undefined when the server does not say. */
  readonly retryAfterMs: number | undefined;
}

export interface FieldProblem {
  /** As in the request's message, `page_token`. */
  readonly field: string;
  /** For people. */
  readonly description: string;
}

export interface LimitProblem {
  /** What is limited: a field of the request, or `tasks`. */
  readonly subject: string;
  /** The limit and what was asked for, for people. */
  readonly description: string;
}

export const noErrorDetails: ErrorDetails = {
  reason: "",
  fields: [],
  limits: [],
  retryAfterMs: undefined,
};
/** Whose reasons ours are (ErrorInfo). */
export const errorDomain = "turntable";
export const errorDetailsTrailer = "grpc-status-details-bin";

/** The trailer's bytes. */
export function encodeErrorDetails(
  code: number,
  message: string,
  { reason = "", fields = [], limits = [], retryAfterMs }: Partial<ErrorDetails>,
): Buffer {
  const details: Any[] = [];
  if (reason !== "") {
    const info = create(ErrorInfoSchema, { reason, domain: errorDomain });
    details.push(anyPack(ErrorInfoSchema, info));
  }
  if (fields.length > 0) {
    const fieldViolations = fields.map((field) => ({ ...field }));
    details.push(anyPack(BadRequestSchema, create(BadRequestSchema, { fieldViolations })));
  }
  if (limits.length > 0) {
    const violations = limits.map((limit) => ({ ...limit }));
    details.push(anyPack(QuotaFailureSchema, create(QuotaFailureSchema, { violations })));
  }
  if (retryAfterMs !== undefined) {
    const retryDelay = durationFromMs(retryAfterMs);
    details.push(anyPack(RetryInfoSchema, create(RetryInfoSchema, { retryDelay })));
  }
  return Buffer.from(toBinary(StatusSchema, create(StatusSchema, { code, message, details })));
}

/** The trailer's details by their types' names, as other transports carry them. */
export function statusDetails(
  trailer: Uint8Array,
): { type: string; value: Uint8Array<ArrayBuffer> }[] {
  return fromBinary(StatusSchema, trailer).details.map(({ typeUrl, value }) => ({
    type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1),
    value: new Uint8Array(value),
  }));
}

/** What the trailer says, without the kinds of detail that are none of ours; nothing of one that cannot be read. */
export function parseErrorDetails(trailer: Uint8Array): ErrorDetails {
  try {
    const { details } = fromBinary(StatusSchema, trailer);
    return readErrorDetails((schema) => details.flatMap((any) => anyUnpack(any, schema) ?? []));
  } catch {
    return noErrorDetails; // the call has failed already, and its status says why
  }
}

/** What an error's details say. @param of gives those of one kind */
export function readErrorDetails(
  of: <Desc extends DescMessage>(schema: Desc) => readonly MessageShape<Desc>[],
): ErrorDetails {
  const { retryDelay } = of(RetryInfoSchema).at(0) ?? {};
  const info = of(ErrorInfoSchema).find(({ domain }) => domain === errorDomain);
  return {
    reason: info?.reason ?? "",
    fields: of(BadRequestSchema)
      .flatMap(({ fieldViolations }) => fieldViolations)
      .map(({ field, description }) => ({ field, description })),
    limits: of(QuotaFailureSchema)
      .flatMap(({ violations }) => violations)
      .map(({ subject, description }) => ({ subject, description })),
    retryAfterMs: retryDelay === undefined ? undefined : durationMs(retryDelay),
  };
}
