/**
 * Tells that a durable of JOBS has a message, without taking it.
 *
 * A worker must wait for organic and synthetic jobs at once. Two waiting pulls could yield two jobs, one of which
 * nobody works on until it has been given back, at the cost of one of its attempts. So we wait with pull requests
 * that no job fits into (`max_bytes` of 1): the server answers such a request with status 409 as soon as there is a
 * message to deliver, fresh or given back, and neither delivers nor counts it. Then the worker pulls, organic first.
 */
import { nanos } from "@nats-io/transport-node";
import { jobsStream } from "../contract.ts";
import { nextSubject, statusCode } from "./jetstream.ts";
import type { NatsLink } from "./link.ts";

export interface Doorbells {
  /** Waits until one of them rings, the link goes down, or `signal` is aborted: a reason to look again. */
  rung(signal: AbortSignal): Promise<void>;
}

const expiresMs = 30_000;
const bellRequest = JSON.stringify({ batch: 1, max_bytes: 1, expires: nanos(expiresMs) });

/** Calls `onRing` before those who wait are told. */
export function createDoorbells(
  link: NatsLink,
  durables: readonly string[],
  onRing: (durable: string) => void,
): Doorbells {
  const listeners = new Set<() => void>();
  /** Those whose request is with the server: one for each durable, however many wait here. */
  const armed = new Set<string>();

  return {
    async rung(signal) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const wake = () => resolve();
      listeners.add(wake);
      signal.addEventListener("abort", wake);
      const stopListening = link.onDown(wake);
      if (signal.aborted || !link.isUp()) {
        wake();
      } else {
        for (const durable of durables) {
          void arm(durable);
        }
      }
      await promise;
      stopListening();
      signal.removeEventListener("abort", wake);
      listeners.delete(wake);
    },
  };

  async function arm(durable: string): Promise<void> {
    if (armed.has(durable)) {
      return;
    }
    armed.add(durable);
    try {
      while (listeners.size > 0) {
        const answer = await link.request(nextSubject(jobsStream, durable), bellRequest, {
          timeoutMs: expiresMs + link.requestTimeoutMs,
        });
        if (answer.headers?.code !== statusCode.expired) {
          onRing(durable);
          break;
        }
      }
    } catch {
      // The link went down or the request was lost: to look again is the remedy for both.
    } finally {
      armed.delete(durable);
    }
    for (const wake of [...listeners]) {
      wake();
    }
  }
}
