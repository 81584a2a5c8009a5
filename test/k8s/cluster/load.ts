/** Work for the cluster, and the proof that none of it is lost: everything that was taken ends with a verdict. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import {
  CallFailedError,
  createTurntableClient,
  type ScoreReport,
  type TurntableClient,
} from "@turntable/client";

export interface Load {
  /**
   * Ends it, once there were as many pieces as asked for, and asks for each report again.
   * @throws for the first piece that was lost, or whose report is another
   */
  finish(): Promise<Outcome>;
  /** Pieces that have ended so far. */
  ended(): number;
}

export interface Outcome {
  readonly begun: number;
  readonly ended: number;
  readonly longestMs: number;
}

/** A coordinator that moves is away for a while, and its volume may take longer than the client's own patience. */
const patienceMs = 600_000;
const retryMs = 1_000;

export function connect(address: string, apiKey: string): TurntableClient {
  return createTurntableClient({
    address,
    apiKey,
    retry: { patienceMs, connectPatienceMs: patienceMs },
  });
}

/**
 * Scores an asset again and again, `parallel` at a time, until it is told to finish: whatever happens meanwhile happens in
 * the middle. A piece is lost when there is no answer within ten minutes, or one that says that it failed.
 */
export function startLoad(
  client: TurntableClient,
  asset: Uint8Array,
  { leastPieces, parallel }: { readonly leastPieces: number; readonly parallel: number },
): Load {
  let begun = 0;
  let ended = 0;
  let longestMs = 0;
  let isFinishing = false;
  const reports = new Map<string, ScoreReport>();
  const work = async (): Promise<void> => {
    while (!isFinishing || begun < leastPieces) {
      begun += 1;
      const startedAt = Date.now();
      const requestId = randomUUID();
      reports.set(requestId, await score(client, asset, requestId));
      ended += 1;
      longestMs = Math.max(longestMs, Date.now() - startedAt);
    }
  };
  const all = Promise.all(Array.from({ length: parallel }, work));
  // Awaited later by who started it; until then a failure is no unhandled one.
  all.catch(() => undefined);
  return {
    async finish() {
      isFinishing = true;
      await all;
      for (const [requestId, report] of reports) {
        assert.deepEqual(await score(client, asset, requestId), report, "scored again");
      }
      return { begun, ended, longestMs };
    },
    ended: () => ended,
  };
}

/** As it stands in the table. @throws where a piece is missing */
export function describeOutcome({ begun, ended, longestMs }: Outcome): string {
  if (ended !== begun) {
    throw new Error(`${begun - ended} of ${begun} pieces have no score`);
  }
  return `${ended} of ${begun} scored, the slowest in ${(longestMs / 1000).toFixed(0)} s`;
}

/** The same request until it is answered: the id makes each try the same scoring. */
async function score(
  client: TurntableClient,
  asset: Uint8Array,
  requestId: string,
): Promise<ScoreReport> {
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
      return report;
    } catch (error) {
      if (!(error instanceof CallFailedError) || Date.now() > deadline) {
        throw error;
      }
      await setTimeout(retryMs);
    }
  }
}
