/** The object store, for assets that are too large for a message (Q7). */
import { JetStreamApiCodes } from "@nats-io/jetstream";
import { type ObjectStore, Objm, setSha256Backend } from "@nats-io/obj";
import { AssetGoneError, assetsBucket, QueueUnavailableError } from "../contract.ts";
import type { NatsLink } from "./link.ts";
import { bucketStream } from "./topology.ts";

export interface AssetStore {
  /**
   * Stores `asset`, unless one with this name and hash is there: a worker may be reading that one.
   * @returns whether it was stored now
   */
  put(name: string, asset: Uint8Array, sha256: Uint8Array): Promise<boolean>;
  /** @throws AssetGoneError when there is none, QueueUnavailableError when it does not come */
  fetch(name: string, signal: AbortSignal): Promise<Uint8Array>;
  /** Makes it as young as if it was put now; no error when there is none. */
  renew(name: string): Promise<void>;
  /** 0 when there is none. */
  bytesOf(name: string): Promise<number>;
  /** Leaves nothing of it; no error when there is none. */
  remove(name: string): Promise<void>;
}

/** Each chunk is synced to disk before the next one is sent, so few large ones are faster; 128 KB is the library's. */
const chunkSizeBytes = 1024 * 1024;
/** For the subject and headers of a chunk, which count towards the server's `max_payload`. */
const chunkHeadroomBytes = 4 * 1024;
/** For a large asset over a slow link. */
const fetchTimeoutMs = 120_000;

export function createAssetStore(link: NatsLink): AssetStore {
  let opening: Promise<ObjectStore> | undefined;
  const open = () => {
    setSha256Backend("native"); // the library's own is written in JavaScript
    opening ??= new Objm(link.connection).open(assetsBucket, false).catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    return opening;
  };

  return {
    put: (name, asset, sha256) =>
      link.run(async () => {
        const store = await open();
        const existing = await store.info(name);
        if (existing?.digest === digestOf(sha256) && existing.size === asset.length) {
          return false;
        }
        const options = {
          max_chunk_size: Math.min(chunkSizeBytes, link.maxPayloadBytes() - chunkHeadroomBytes),
        };
        await store.putBlob({ name, options }, asset, { timeout: link.requestTimeoutMs });
        return true;
      }),
    async fetch(name, signal) {
      const over = AbortSignal.any([signal, AbortSignal.timeout(fetchTimeoutMs)]);
      return orAborted(
        link.run(async () => read(link, await open(), name, over)),
        over,
        () => new QueueUnavailableError(`the asset ${name} does not come from the object store`),
      );
    },
    renew: (name) =>
      link.run(async () => {
        const store = await open();
        if ((await store.info(name)) !== null) {
          await store.update(name, { name });
        }
      }),
    bytesOf: (name) => link.run(async () => (await (await open()).info(name))?.size ?? 0),
    remove: (name) =>
      link.run(async () => {
        const info = await (await open()).info(name);
        if (info === null) {
          return;
        }
        // Not the library's delete(): it leaves a message for each object behind, for ever.
        const { streams } = link.manager;
        await streams.purge(bucketStream, { filter: `$O.${assetsBucket}.C.${info.nuid}` });
        await streams.purge(bucketStream, { filter: `$O.${assetsBucket}.M.${metaToken(name)}` });
      }),
  };
}

/**
 * Chunk by chunk. The library's own reading waits for ever for what was removed under it, as happens with a job that is
 * withdrawn in the moment in which it is taken, and leaves a consumer on the server for five minutes each time.
 */
async function read(
  link: NatsLink,
  store: ObjectStore,
  name: string,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const info = await store.info(name);
  if (info === null) {
    throw new AssetGoneError(`the object store has no asset ${name}`);
  }
  const asset = new Uint8Array(info.size);
  const chunks = `$O.${assetsBucket}.C.${info.nuid}`;
  for (let filled = 0, seq = 1; filled < asset.length; ) {
    signal.throwIfAborted();
    const chunk = await nextMessage(link, chunks, seq);
    if (chunk === undefined || filled + chunk.data.length > asset.length) {
      throw new AssetGoneError(`the object store has lost a part of the asset ${name}`);
    }
    asset.set(chunk.data, filled);
    filled += chunk.data.length;
    seq = chunk.seq + 1;
  }
  return asset;
}

/**
 * The first message of a subject from a sequence number on, as who leads the stream has it: a copy may be behind. The
 * library decodes base64 in JavaScript, which takes longer than all the rest.
 */
async function nextMessage(
  link: NatsLink,
  subject: string,
  seq: number,
): Promise<{ readonly seq: number; readonly data: Buffer } | undefined> {
  const query = JSON.stringify({ seq, next_by_subj: subject });
  const answer = await link.request(`$JS.API.STREAM.MSG.GET.${bucketStream}`, query);
  // The server's own words.
  const { message, error } = JSON.parse(answer.string()) as {
    message?: { seq: number; data: string };
    error?: { err_code?: number; description?: string };
  };
  if (message !== undefined) {
    return { seq: message.seq, data: Buffer.from(message.data, "base64") };
  }
  if (error?.err_code === JetStreamApiCodes.NoMessageFound) {
    return undefined;
  }
  throw new QueueUnavailableError(`the queue refuses: ${error?.description ?? answer.string()}`);
}

/** As the object store writes it: base64url with padding (NATS ADR-20). */
function digestOf(sha256: Uint8Array): string {
  const base64 = Buffer.from(sha256).toString("base64");
  return `SHA-256=${base64.replaceAll("+", "-").replaceAll("/", "_")}`;
}

/** Name of the object in the subject of its entry (NATS ADR-20). */
function metaToken(name: string): string {
  const base64 = Buffer.from(name).toString("base64");
  return base64.replaceAll("+", "-").replaceAll("/", "_");
}

function orAborted<Result>(
  work: Promise<Result>,
  signal: AbortSignal,
  error: () => Error,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(error());
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) {
      onAbort();
    }
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
