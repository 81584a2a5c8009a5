/**
 * W3C trace context, by hand: a span costs two random numbers here, and exporters attach to the same ids later.
 * Source: https://www.w3.org/TR/trace-context/ (version 00).
 */
import { randomUUID } from "node:crypto";

/** `00-<32 hex>-<16 hex>-<2 hex>` */
export type Traceparent = string;

const pattern = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;

/** A span of its own below `parent`, or the root of a new trace when there is none or it is malformed. */
export function childTraceparent(parent: Traceparent | undefined): Traceparent {
  const match = parent === undefined ? undefined : pattern.exec(parent);
  // Node keeps random UUIDs in stock: much cheaper than asking for as many random bytes.
  const traceId = match?.[1] ?? randomUUID().replaceAll("-", "");
  const uuid = randomUUID();
  // The first 8 and last 8 digits are random, others of a UUID are not.
  const spanId = uuid.slice(0, 8) + uuid.slice(-8);
  return `00-${traceId}-${spanId}-${match?.[3] ?? "01"}`;
}

/** The trace id for logs; undefined when `traceparent` is absent or malformed. */
export function traceIdOf(traceparent: Traceparent | undefined): string | undefined {
  return traceparent === undefined ? undefined : pattern.exec(traceparent)?.[1];
}
