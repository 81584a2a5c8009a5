/**
 * A download that may be cut off, kept beside its target: a line of JSON that says of which asset, then the bytes that
 * have come. The same command goes on from there; what is there counts for the hash of the whole.
 */
import { type FileHandle, open, readFile, rm } from "node:fs/promises";
import { hexOf } from "../bytes.ts";
import type { AssetStream, Download } from "../download.ts";
import { CallFailedError, CorruptDownloadError } from "../errors.ts";

/** What a cut-off download left. */
export interface Part {
  readonly taskId: string;
  /** The task's. */
  readonly prompt: string;
  /** Hexadecimal, of the whole asset. */
  readonly sha256: string;
  readonly bytes: Uint8Array;
}

/** Where the parts of a download to this file are; undefined for standard output. */
export const partPathOf = (out: string): string | undefined =>
  out === "-" ? undefined : `${out}.part`;

/** What is there; undefined when it is nothing, or nothing of ours. */
export async function readPart(path: string): Promise<Part | undefined> {
  let content: Buffer;
  try {
    content = await readFile(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") {
      return undefined;
    }
    throw error;
  }
  const end = content.indexOf("\n");
  const head = parseHead(content.subarray(0, Math.max(0, end)).toString());
  return head && { ...head, bytes: content.subarray(end + 1) };
}

function parseHead(text: string): Omit<Part, "bytes"> | undefined {
  try {
    const { taskId, prompt, sha256 }: Record<string, unknown> = JSON.parse(text);
    return typeof taskId === "string" && typeof prompt === "string" && typeof sha256 === "string"
      ? { taskId, prompt, sha256 }
      : undefined;
  } catch {
    return undefined;
  }
}

/** Opens a task's asset, without the bytes that are given. */
export type OpenAsset = (have: Uint8Array | undefined) => Promise<AssetStream>;

/**
 * Downloads an asset, with what a part file has of it, and keeps in that file what comes.
 * @param path undefined keeps nothing
 * @throws CorruptDownloadError, and the file is gone
 */
export async function downloadKept(
  taskId: string,
  path: string | undefined,
  openAsset: OpenAsset,
): Promise<Download> {
  if (path === undefined) {
    return await collect(await openAsset(undefined), undefined, new Uint8Array());
  }
  const part = await readPart(path);
  if (part?.taskId === taskId) {
    try {
      const stream = await openAsset(part.bytes);
      if (hexOf(stream.asset.sha256) === part.sha256) {
        await using file = await open(path, "a");
        return await collect(stream, file, part.bytes);
      }
      await stream.chunks.return();
    } catch (error) {
      const isBeyond = error instanceof CallFailedError && error.code === "out-of-range";
      if (!(error instanceof CorruptDownloadError || isBeyond)) {
        throw error;
      }
    }
  }
  // There is nothing, or it is of another asset, or damaged: all of it anew.
  const stream = await openAsset(undefined);
  try {
    await using file = await open(path, "w");
    const { prompt, sha256 } = stream.asset;
    await file.writeFile(`${JSON.stringify({ taskId, prompt, sha256: hexOf(sha256) })}\n`);
    return await collect(stream, file, new Uint8Array());
  } catch (error) {
    if (error instanceof CorruptDownloadError) {
      await rm(path, { force: true });
    }
    throw error;
  }
}

async function collect(
  { asset, chunks }: AssetStream,
  file: FileHandle | undefined,
  have: Uint8Array,
): Promise<Download> {
  const bytes = new Uint8Array(Number(asset.sizeBytes));
  bytes.set(have);
  let received = have.length;
  for await (const chunk of chunks) {
    bytes.set(chunk, received);
    received += chunk.length;
    await file?.writeFile(chunk);
  }
  return { asset, bytes };
}
