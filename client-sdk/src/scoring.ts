/** Uploads an asset piece by piece and waits for its report. */
import { type ScoreReport, type Scoring, ScoringService, ScoringState } from "@turntable/proto";
import { type CreateSha256, randomHex } from "./bytes.ts";
import { CallFailedError, ScoringFailedError } from "./errors.ts";
import { type OperationOptions, type Operations, present } from "./operations.ts";
import { createRetry, type RetryOptions, withRetry } from "./retry.ts";
import type { CallOptions, Transport } from "./transport.ts";

/** Options of `score`. */
export interface ScoreOptions extends OperationOptions {
  /** What cannot be seen in the bytes of an HDF5 file: the subnet's `data_ver` (activated values from 1 on). */
  readonly version?: number | undefined;
  /**
   * Scoring again with the same id, prompt and asset goes on where the first call was left, also in the middle of the
   * upload. Default: a new one for each call.
   */
  readonly requestId?: string | undefined;
  /** Told after each piece of the upload (`receivedBytes` of `sizeBytes`), and when the state changes. */
  readonly onProgress?: ((scoring: Scoring) => void) | undefined;
}

interface Parts {
  readonly transport: Transport;
  readonly createSha256: CreateSha256;
  readonly operations: Operations;
}

/** The API takes no longer pieces. */
const pieceBytes = 1024 * 1024;
const { method } = ScoringService;

/** @throws ScoringFailedError */
export async function scoreAsset(
  asset: Uint8Array | Blob,
  prompt: string,
  options: ScoreOptions,
  { transport, createSha256, operations }: Parts,
): Promise<ScoreReport> {
  const { call, retry } = operations.begin(options, undefined);
  const { requestId = randomHex(16), version = 0 } = options;
  const sizeBytes = asset instanceof Uint8Array ? asset.length : asset.size;
  const sha256 = createSha256();
  for (let at = 0; at < sizeBytes; at += pieceBytes) {
    options.signal?.throwIfAborted();
    sha256.update(await pieceOf(asset, at));
  }
  const request = {
    prompt,
    sizeBytes: BigInt(sizeBytes),
    sha256: sha256.digest(),
    encoding: { version },
    requestId,
  };
  const created = await withRetry(retry, () =>
    transport.unary(method.createScoring, request, call),
  );
  let scoring = present(created.scoring, "scoring");
  options.onProgress?.(scoring);
  if (scoring.state === ScoringState.UPLOADING) {
    scoring = await upload(asset, scoring, options, { transport, call, retry });
  }
  return await reportOf(scoring, options, { transport, call, retry });
}

interface Connection {
  readonly transport: Transport;
  readonly call: CallOptions;
  readonly retry: RetryOptions;
}

/** From where the upload stands to its end. */
async function upload(
  asset: Uint8Array | Blob,
  begun: Scoring,
  { onProgress }: ScoreOptions,
  { transport, call, retry }: Connection,
): Promise<Scoring> {
  const scoringId = begun.id;
  let scoring = begun;
  for (;;) {
    const offset = scoring.receivedBytes;
    const chunk = await pieceOf(asset, Number(offset));
    try {
      const { receivedBytes, complete } = await withRetry(retry, () =>
        transport.unary(method.uploadAsset, { scoringId, offset, chunk }, call),
      );
      scoring = { ...scoring, receivedBytes };
      onProgress?.(scoring);
      if (complete) {
        return scoring;
      }
    } catch (error) {
      // The server has less than it said before, of a part that it had not written to its disk when it ended.
      if (!(error instanceof CallFailedError) || error.code !== "out-of-range") {
        throw error;
      }
      const answer = await withRetry(retry, () =>
        transport.unary(method.getScoring, { scoringId }, call),
      );
      scoring = present(answer.scoring, "scoring");
      if (scoring.receivedBytes >= offset) {
        throw error;
      }
    }
  }
}

/** Waits until it has ended. */
async function reportOf(
  begun: Scoring,
  { onProgress }: ScoreOptions,
  { transport, call, retry: retryOptions }: Connection,
): Promise<ScoreReport> {
  const scoringId = begun.id;
  const retry = createRetry(retryOptions);
  for (;;) {
    try {
      for await (const answer of transport.stream(method.watchScoring, { scoringId }, call)) {
        retry.reset();
        const scoring = present(answer.scoring, "scoring");
        onProgress?.(scoring);
        if (scoring.state === ScoringState.SCORED) {
          return present(scoring.report, "report");
        }
        if (scoring.state === ScoringState.FAILED) {
          const { code = "unknown", message = "it ended without a report" } = scoring.failure ?? {};
          throw new ScoringFailedError(scoringId, code, message);
        }
      }
      throw new CallFailedError("unavailable", "the server ended the watch before the scoring");
    } catch (error) {
      await retry.pause(error);
    }
  }
}

async function pieceOf(asset: Uint8Array | Blob, at: number): Promise<Uint8Array> {
  if (asset instanceof Uint8Array) {
    return asset.subarray(at, at + pieceBytes);
  }
  return new Uint8Array(await asset.slice(at, at + pieceBytes).arrayBuffer());
}
