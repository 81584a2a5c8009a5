/**
 * The parts of scoring an asset and how long each took: what reports, metrics and spans say of it comes from here.
 */
import { context, trace } from "@opentelemetry/api";

/** Times are those of `performance.now()`, in ms. `preprocess` and `infer` begin while others are still at work. */
export interface Stage {
  readonly name: "fetch" | "decode" | "render" | "preprocess" | "infer" | "score";
  readonly startMs: number;
  readonly endMs: number;
}

export type OnStage = (stage: Stage) => void;

/** Each call ends a stage that began with the end of the one before, or now. @returns how long it took, in ms */
export function startStages(onStage: OnStage | undefined): (name: Stage["name"]) => number {
  let startMs = performance.now();
  return (name) => {
    const endMs = performance.now();
    onStage?.({ name, startMs, endMs });
    const tookMs = endMs - startMs;
    startMs = endMs;
    return tookMs;
  };
}

/**
 * Makes each stage a span below the one that is active now. Their times go by the wall clock as it is now: the SDK
 * would read it anew for each span, in whole milliseconds, and a stage could seem to begin before its parent.
 */
export function stageSpans(): OnStage {
  const parent = context.active();
  const tracer = trace.getTracer("turntable");
  const epochMs = Date.now() - performance.now();
  return ({ name, startMs, endMs }) =>
    tracer.startSpan(name, { startTime: epochMs + startMs }, parent).end(epochMs + endMs);
}
