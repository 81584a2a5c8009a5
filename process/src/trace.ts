/**
 * W3C trace context, by hand: a span costs two random numbers here, and exporters attach to the same ids later.
 * Source: https://www.w3.org/TR/trace-context/ (version 00).
 */
import { randomBytes } from "node:crypto";

/** `00-<32 hex>-<16 hex>-<2 hex>` */
export type Traceparent = string;

const pattern = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;

/** A span of its own below `parent`, or the root of a new trace when there is none or it is malformed. */
export function childTraceparent(parent: Traceparent | undefined): Traceparent {
  const match = parent === undefined ? undefined : pattern.exec(parent);
  const traceId = match?.[1] ?? randomBytes(16).toString("hex");
  return `00-${traceId}-${randomBytes(8).toString("hex")}-${match?.[3] ?? "01"}`;
}

/** The trace id for logs; undefined when `traceparent` is absent or malformed. */
export function traceIdOf(traceparent: Traceparent | undefined): string | undefined {
  return traceparent === undefined ? undefined : pattern.exec(traceparent)?.[1];
}
