/** Puts a download together, over as many connections as it takes, and checks it against what was announced. */
import type { Asset, DownloadAssetResponse } from "@turntable/proto";
import { areEqual, type CreateSha256, hexOf } from "./bytes.ts";
import { AssetTooLargeError, CorruptDownloadError } from "./errors.ts";
import type { OperationOptions } from "./operations.ts";
import type { Retry } from "./retry.ts";

/** How far a transfer is. */
export interface TransferProgress {
  readonly doneBytes: number;
  readonly sizeBytes: number;
}

/** Options of `download`. */
export interface DownloadOptions extends OperationOptions {
  /** Told after each part. */
  readonly onProgress?: ((progress: TransferProgress) => void) | undefined;
}

/** Options of `openDownload`. */
export interface OpenDownloadOptions extends DownloadOptions {
  /** The asset's first bytes, kept from a download that broke off: only what follows them is asked for. */
  readonly have?: Uint8Array | undefined;
}

/** An asset with its bytes, as the miner submitted them. */
export interface Download {
  /** What the bytes are, and what it takes to check where they came from (`verifyAssetOrigin`). */
  readonly asset: Asset;
  /** Their size and SHA-256 are those that `asset` states. */
  readonly bytes: Uint8Array;
}

/** An asset whose bytes are still to come. */
export interface AssetStream {
  /** What the bytes are, and what it takes to check where they came from (`verifyAssetOrigin`). */
  readonly asset: Asset;
  /**
   * The bytes in order, those of `have` left out. To be read to its end, where size and SHA-256 of the whole are checked,
   * or left by `break` or `return()`.
   */
  readonly chunks: AsyncGenerator<Uint8Array, void>;
}

interface Source extends OpenDownloadOptions {
  readonly taskId: string;
  readonly maxAssetBytes: number;
  readonly createSha256: CreateSha256;
  readonly retry: Retry;
  /** The server's messages from an offset on. A server of before sends everything, and says so. */
  readonly open: (offset: bigint) => AsyncIterable<DownloadAssetResponse>;
}

/** @throws AssetTooLargeError before any byte is kept; CorruptDownloadError */
export async function openDownload(source: Source): Promise<AssetStream> {
  const parts = receive(source);
  const first = await parts.next();
  if (first.done || first.value instanceof Uint8Array) {
    throw new CorruptDownloadError(source.taskId, "the server sent nothing");
  }
  return { asset: first.value, chunks: onlyBytes(parts) };
}

/** All of it, in memory. @throws CorruptDownloadError */
export async function collectAsset({ asset, chunks }: AssetStream): Promise<Download> {
  const bytes = new Uint8Array(Number(asset.sizeBytes));
  let received = 0;
  for await (const chunk of chunks) {
    bytes.set(chunk, received); // never too many: `receive` has counted them
    received += chunk.length;
  }
  return { asset, bytes };
}

/** The asset first, then its bytes. */
async function* receive(source: Source): AsyncGenerator<Asset | Uint8Array, void> {
  const { taskId, retry, maxAssetBytes, have = new Uint8Array(), onProgress } = source;
  const corrupt = (details: string) => new CorruptDownloadError(taskId, details);
  const sha256 = source.createSha256();
  sha256.update(have);
  let received = have.length;
  let asset: Asset | undefined;
  for (let isWhole = false; !isWhole; ) {
    try {
      /** Bytes that this connection sends although they are here. */
      let toSkip: number | undefined;
      for await (const { part, offset } of source.open(BigInt(received))) {
        retry.reset();
        if (part.case === "asset" && toSkip === undefined) {
          toSkip = received - Number(offset);
          if (toSkip < 0) {
            throw corrupt(`the server began at byte ${offset}, not at ${received}`);
          }
          if (asset === undefined) {
            checkSize(part.value, received, maxAssetBytes, corrupt);
            asset = part.value;
            yield asset;
          } else if (!areEqual(asset.sha256, part.value.sha256)) {
            throw corrupt("the server has another asset for the task than before");
          }
        } else if (part.case === "chunk" && asset !== undefined && toSkip !== undefined) {
          const chunk = part.value.subarray(toSkip);
          toSkip = Math.max(0, toSkip - part.value.length);
          if (received + chunk.length > asset.sizeBytes) {
            throw corrupt(`more than the announced ${asset.sizeBytes} bytes`);
          }
          received += chunk.length;
          sha256.update(chunk);
          if (chunk.length > 0) {
            onProgress?.({ doneBytes: received, sizeBytes: Number(asset.sizeBytes) });
            yield chunk;
          }
        } else {
          throw corrupt(`the server sent "${part.case}" out of order`);
        }
      }
      isWhole = true;
    } catch (error) {
      await retry.pause(error);
    }
  }
  if (asset !== undefined) {
    checkWhole(asset, received, sha256.digest(), corrupt);
  }
}

async function* onlyBytes(
  parts: AsyncGenerator<Asset | Uint8Array, void>,
): AsyncGenerator<Uint8Array, void> {
  for await (const part of parts) {
    if (part instanceof Uint8Array) {
      yield part;
    }
  }
}

type Corrupt = (details: string) => CorruptDownloadError;

function checkSize({ sizeBytes }: Asset, have: number, maxBytes: number, corrupt: Corrupt): void {
  if (sizeBytes > maxBytes) {
    throw new AssetTooLargeError(sizeBytes, maxBytes);
  }
  if (have > sizeBytes) {
    throw corrupt(`${have} bytes are here already, the asset has ${sizeBytes}`);
  }
}

function checkWhole(asset: Asset, received: number, sha256: Uint8Array, corrupt: Corrupt): void {
  if (received < asset.sizeBytes) {
    throw corrupt(`${received} of ${asset.sizeBytes} bytes came`);
  }
  if (!areEqual(sha256, asset.sha256)) {
    throw corrupt(`its SHA-256 is ${hexOf(sha256)}, announced was ${hexOf(asset.sha256)}`);
  }
}
