/** Puts a downloaded asset together and checks it against what was announced. */
import { createHash } from "node:crypto";
import type { Asset, DownloadAssetResponse } from "@turntable/proto";
import { AssetTooLargeError, CorruptDownloadError } from "./errors.ts";

/** An asset with its bytes, as the miner submitted them. */
export interface Download {
  /** What the bytes are, and what it takes to check where they came from (`verifyAssetOrigin`). */
  readonly asset: Asset;
  /** Their size and SHA-256 are those that `asset` states. */
  readonly bytes: Uint8Array;
}

/**
 * @throws CorruptDownloadError when parts are missing, too many or other than announced.
 * @throws AssetTooLargeError before any byte is kept.
 */
export async function collectAsset(
  taskId: string,
  messages: AsyncIterable<DownloadAssetResponse>,
  maxAssetBytes: number,
): Promise<Download> {
  let asset: Asset | undefined;
  let bytes = new Uint8Array();
  let received = 0;
  for await (const { part } of messages) {
    if (part.case === "asset" && asset === undefined) {
      asset = part.value;
      if (asset.sizeBytes > maxAssetBytes) {
        throw new AssetTooLargeError(asset.sizeBytes, maxAssetBytes);
      }
      bytes = new Uint8Array(Number(asset.sizeBytes));
    } else if (part.case === "chunk" && asset !== undefined) {
      if (received + part.value.length > bytes.length) {
        throw new CorruptDownloadError(taskId, `more than the announced ${bytes.length} bytes`);
      }
      bytes.set(part.value, received);
      received += part.value.length;
    } else {
      throw new CorruptDownloadError(taskId, `the server sent "${part.case}" out of order`);
    }
  }
  if (asset === undefined) {
    throw new CorruptDownloadError(taskId, "the server sent nothing");
  }
  if (received < bytes.length) {
    throw new CorruptDownloadError(taskId, `${received} of ${bytes.length} bytes came`);
  }
  const sha256 = createHash("sha256").update(bytes).digest();
  if (!sha256.equals(asset.sha256)) {
    throw new CorruptDownloadError(
      taskId,
      `its SHA-256 is ${sha256.toString("hex")}, announced was ${Buffer.from(asset.sha256).toString("hex")}`,
    );
  }
  return { asset, bytes };
}
