/**
 * The dendrite: calls axons of every SDK version, signed, over a pool of connections. Each call is a span of the
 * active trace, whose context goes with it.
 */
import { Agent } from "node:http";
import { context, propagation, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { completeFields, type Synapse, sdkVersionNumber, type ValuesOf } from "../synapse/index.ts";
import { v1 as uuidV1 } from "../uuid.ts";
import { exchange } from "./exchange.ts";
import { outcomeOf } from "./outcome.ts";
import { signRequest } from "./request.ts";
import type { CallOptions, CallOutcome, Dendrite, DendriteOptions } from "./types.ts";

/** Connections at one time, as the Python client's pool. */
const maxConnections = 100;
/** Python axons close idle connections after 5 s; ours go before that. */
const idleMs = 4000;
/** Any version with nanosecond nonces will do. */
const defaultSdkVersion = sdkVersionNumber("9.9.0");

/** A client of axons: one identity (hotkey and uuid), one pool of connections. */
export function createDendrite(options: DendriteOptions): Dendrite {
  const { hotkey, externalIp, wording = "current", now = Date.now } = options;
  const agent = new Agent({ keepAlive: true, maxTotalSockets: maxConnections, timeout: idleMs });
  const uuid = uuidV1(now());
  const caller = {
    hotkey,
    uuid,
    ip: externalIp ?? "0.0.0.0",
    sdkVersion: options.sdkVersion ?? defaultSdkVersion,
  };
  let lastNonce = 0n;

  /** Nanoseconds since 1970, strictly increasing: axons take no nonce twice. */
  const nextNonce = (): bigint => {
    const clock = BigInt(Math.floor(now())) * 1_000_000n;
    lastNonce = clock > lastNonce ? clock : lastNonce + 1n;
    return lastNonce;
  };

  return {
    hotkey: hotkey.ss58,
    uuid,
    async call<S extends Synapse>(synapse: S, call: CallOptions<S>): Promise<CallOutcome<S>> {
      const { target, body, signal } = call;
      signal?.throwIfAborted();
      const timeoutMs = call.timeoutMs ?? synapse.timeoutS * 1000;
      const timeoutS = timeoutMs / 1000;
      const values = completeFields(synapse, body) as ValuesOf<S>; // that synapse's own values
      const signed = signRequest(synapse, values, caller, target, nextNonce(), timeoutS);
      const parent = context.active();
      const span = trace
        .getTracer("@turntable/bittensor")
        .startSpan(synapse.name, { kind: SpanKind.CLIENT }, parent);
      const traced = { ...signed, headers: [...signed.headers] };
      propagation.inject(trace.setSpan(parent, span), traced.headers, {
        set: (headers, name, value) => headers.push(name, value),
      });
      const host = target.ip === externalIp ? "0.0.0.0" : target.ip;
      const startedAt = performance.now();
      try {
        const exchanged = await exchange(traced, {
          host,
          port: target.port,
          agent,
          maxBodyBytes: synapse.maxBodyBytes,
          timeoutMs,
          signal,
        });
        if (exchanged.kind !== "answered") {
          span.setStatus({ code: SpanStatusCode.ERROR });
        }
        return outcomeOf(exchanged, {
          synapse,
          endpoint: `${host}:${target.port}`,
          timeoutS,
          durationMs: performance.now() - startedAt,
          wording,
        });
      } finally {
        span.end();
      }
    },
    async [Symbol.asyncDispose]() {
      agent.destroy();
    },
  };
}
