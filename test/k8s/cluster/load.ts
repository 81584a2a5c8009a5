/** Work for the cluster, and the proof that none of it is lost: everything that was taken ends with a verdict. */
import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { CallFailedError, createTurntableClient, type TurntableClient } from "@turntable/client";

export interface Load {
  /** Ends when each piece of work has ended. */
  readonly done: Promise<Outcome>;
  /** Pieces that have ended so far. */
  ended(): number;
}

export interface Outcome {
  readonly pieces: number;
  readonly longestMs: number;
}

/** A coordinator that moves is away for a while, and its volume may take longer than the client's own patience. */
const patienceMs = 600_000;
const retryMs = 1_000;

export function connect(address: string): TurntableClient {
  return createTurntableClient({
    address,
    apiKey: "turntable-dev-key",
    retry: { patienceMs, connectPatienceMs: patienceMs },
  });
}

/**
 * Scores an asset again and again, `parallel` at a time.
 * @throws for the first piece that was lost: no answer within ten minutes, or one that says that it failed
 */
export function startLoad(
  client: TurntableClient,
  asset: Uint8Array,
  { pieces, parallel }: { readonly pieces: number; readonly parallel: number },
): Load {
  let next = 0;
  let ended = 0;
  let longestMs = 0;
  const work = async (): Promise<void> => {
    while (next < pieces) {
      next += 1;
      const startedAt = Date.now();
      await score(client, asset);
      ended += 1;
      longestMs = Math.max(longestMs, Date.now() - startedAt);
    }
  };
  const all = Promise.all(Array.from({ length: parallel }, work));
  const done = all.then(() => ({ pieces: ended, longestMs }));
  // Awaited later by who started it; until then a failure is no unhandled one.
  done.catch(() => undefined);
  return { done, ended: () => ended };
}

/** The same request until it is answered: the id makes each try the same scoring. */
async function score(client: TurntableClient, asset: Uint8Array): Promise<void> {
  const requestId = randomUUID();
  const deadline = Date.now() + patienceMs;
  for (;;) {
    try {
      const report = await client.score(asset, "a red cube", {
        requestId,
        signal: AbortSignal.timeout(patienceMs),
      });
      if (report.score < 0.5) {
        throw new Error(`a red cube has the score ${report.score}`);
      }
      return;
    } catch (error) {
      if (!(error instanceof CallFailedError) || Date.now() > deadline) {
        throw error;
      }
      await setTimeout(retryMs);
    }
  }
}
