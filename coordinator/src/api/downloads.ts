/** Assets that are sent: a limited number at one time, each from an offset on. */
import { exhausted, outOfRange } from "./errors.ts";
import type { AssetMessage } from "./messages.ts";

/** Enough for a page full of viewers. */
export const defaultMaxDownloads = 16;
/** When a client that has too many is told to come back: until then some will have ended, in ms. */
const busyRetryMs = 2_000;

export interface DownloadOptions {
  /** An asset's bytes, piece by piece, by its SHA-256 in hex; undefined when it is gone. */
  readonly readAsset: (
    sha256: string,
    offset: number,
  ) => Promise<AsyncIterable<Uint8Array> | undefined>;
  /** Downloads of one client at one time. */
  readonly maxDownloads?: number;
}

export interface SentAsset {
  readonly message: AssetMessage;
  /** 64 hex digits */
  readonly sha256: string;
}

/** A message of a download, whichever method answers with it. */
export type DownloadPart =
  | {
      readonly part: { readonly case: "asset"; readonly value: AssetMessage };
      readonly offset: bigint;
    }
  | { readonly part: { readonly case: "chunk"; readonly value: Uint8Array } };

/**
 * What sends assets, and counts how many each client has now: first what it is, then its bytes in chunks.
 * @throws RpcError OUT_OF_RANGE, RESOURCE_EXHAUSTED
 */
export function createDownloads({
  readAsset,
  maxDownloads = defaultMaxDownloads,
}: DownloadOptions) {
  const running = new Map<string, number>();
  const begin = (client: string): Disposable => {
    const count = running.get(client) ?? 0;
    if (count >= maxDownloads) {
      const message = `${maxDownloads} downloads run, which is the limit; end some before the next`;
      throw exhausted("downloads", message, busyRetryMs);
    }
    running.set(client, count + 1);
    return {
      [Symbol.dispose]() {
        const left = (running.get(client) ?? 1) - 1;
        if (left === 0) {
          running.delete(client);
        } else {
          running.set(client, left);
        }
      },
    };
  };
  return async function* (
    { message, sha256 }: SentAsset,
    offset: bigint,
    client: string,
  ): AsyncGenerator<DownloadPart> {
    const { sizeBytes = 0n } = message;
    if (offset > sizeBytes) {
      throw outOfRange("offset", `is ${offset}, the asset has ${sizeBytes} bytes`);
    }
    using _running = begin(client);
    const chunks = await readAsset(sha256, Number(offset));
    if (chunks === undefined) {
      throw new Error(`the asset ${sha256} is gone`);
    }
    yield { part: { case: "asset", value: message }, offset };
    for await (const value of chunks) {
      yield { part: { case: "chunk", value } };
    }
  };
}
