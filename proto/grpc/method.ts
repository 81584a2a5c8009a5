/** What both ends of a call need of its method and messages. */
import type { DescMethod } from "@bufbuild/protobuf";
import { type Context, type Span, trace } from "@opentelemetry/api";

/** Largest message either side takes when nobody says otherwise; grpc-js alone would stop at 4 MiB. */
export const defaultMaxMessageBytes = 16 * 1024 * 1024;

/** Options for a server or a channel that limit messages, in both directions. */
export function messageLimits(maxBytes: number = defaultMaxMessageBytes): {
  readonly "grpc.max_receive_message_length": number;
  readonly "grpc.max_send_message_length": number;
} {
  return {
    "grpc.max_receive_message_length": maxBytes,
    "grpc.max_send_message_length": maxBytes,
  };
}

/** `/turntable.v1.GenerationService/CreateTask` */
export const pathOf = (method: DescMethod): string => `/${method.parent.typeName}/${method.name}`;

/** Where the span is active; its parent itself, where spans that nobody exports are their parents. */
export function withSpan(parent: Context, span: Span): Context {
  return trace.getSpan(parent) === span ? parent : trace.setSpan(parent, span);
}

/** The same bytes, as grpc-js wants them. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
