/**
 * Assets that are with the others, too.
 *
 * A1 An asset is with the others before anything refers to it, and leaves them after nothing does any more, which the
 *    log has said by then.
 * A2 One that is not here yet is fetched when it is asked for: nobody waits for all of them to take over.
 */
import { hash } from "node:crypto";
import type { StateFile, StateFiles } from "@turntable/bus";
import { type Loop, startLoop } from "@turntable/process";
import { type AssetFiles, NotReplicatedError } from "../store/index.ts";
import { all } from "./copies.ts";
import { pause } from "./pause.ts";

const assetPrefix = "asset-";
const assetName = (sha256: string): string => `${assetPrefix}${sha256}`;
const sha256Of = (name: string): string | undefined =>
  name.startsWith(assetPrefix) ? name.slice(assetPrefix.length) : undefined;
/** Between two looks whether both sides have the same; ms. */
const mirrorEveryMs = 3_600_000;
/** What was saved is referred to within this time, in ms. */
const freshMs = 600_000;
/** Between two looks for what came, and after a fault; ms. */
const followEveryMs = 500;

export interface SharedAssetsOptions {
  readonly files: StateFiles;
  readonly assets: AssetFiles;
  /** Whether what was committed may be told; throws when not. */
  readonly settled: () => Promise<void>;
  readonly signal: AbortSignal;
  readonly onTrouble: (what: string, error: unknown) => void;
}

export interface SharedAssets extends AssetFiles {
  /** Brings both sides together, now and from time to time. */
  mirror(keepsAsset: (sha256: string) => boolean): Loop;
  /** Kept assets that the others, or this side, lack as of the last look. */
  missing(): number;
}

/** The assets of who leads. */
export function shareAssets(options: SharedAssetsOptions): SharedAssets {
  const { files, assets, signal } = options;
  /** When assets were saved of late. */
  const fresh = new Map<string, number>();
  let missing = 0;
  const fetch = async (sha256: string): Promise<Uint8Array | undefined> => {
    const file = await files.get(assetName(sha256));
    return file === undefined ? undefined : bytesOf(file, sha256);
  };
  const bring = async (sha256: string): Promise<Uint8Array | undefined> => {
    const bytes = await fetch(sha256);
    if (bytes !== undefined) {
      using _saved = await assets.save(bytes, sha256);
    }
    return bytes;
  };
  const put = async (bytes: Uint8Array, sha256: string): Promise<void> => {
    try {
      await files.put(assetName(sha256), [bytes], signal);
    } catch (cause) {
      throw new NotReplicatedError("the asset could not be stored with those that stand by", {
        cause,
      });
    }
  };

  const look = async (
    keepsAsset: (sha256: string) => boolean,
    stopping: AbortSignal,
  ): Promise<void> => {
    for (const [sha256, at] of fresh) {
      if (performance.now() - at > freshMs) {
        fresh.delete(sha256);
      }
    }
    const there = new Set<string>();
    for (const name of (await files.list()).names) {
      const sha256 = sha256Of(name);
      if (sha256 !== undefined) {
        there.add(sha256);
      }
    }
    const here = new Set<string>();
    const lacking: string[] = [];
    for await (const sha256 of assets.walk()) {
      here.add(sha256);
      if (!there.has(sha256) && !fresh.has(sha256) && keepsAsset(sha256)) {
        lacking.push(sha256);
      }
    }
    const needed = [...there].filter((sha256) => !here.has(sha256) && keepsAsset(sha256));
    missing = lacking.length + needed.length;
    for (const sha256 of lacking) {
      stopping.throwIfAborted();
      const bytes = await assets.load(sha256);
      if (bytes !== undefined) {
        await put(bytes, sha256);
      }
      missing--;
    }
    for (const sha256 of needed) {
      stopping.throwIfAborted();
      await bring(sha256);
      missing--;
    }
    for (const sha256 of there) {
      stopping.throwIfAborted();
      if (!fresh.has(sha256) && !keepsAsset(sha256)) {
        await options.settled();
        await files.remove(assetName(sha256));
      }
    }
  };

  return {
    async save(bytes, sha256 = hash("sha256", bytes, "hex")) {
      fresh.set(sha256, performance.now()); // who is removing these very bytes leaves them to the others
      const [saved, stored] = await Promise.allSettled([
        assets.save(bytes, sha256),
        put(bytes, sha256),
      ]);
      if (saved.status === "rejected") {
        throw saved.reason;
      }
      if (stored.status === "rejected") {
        saved.value[Symbol.dispose]();
        throw stored.reason;
      }
      return saved.value;
    },
    load: async (sha256) => (await assets.load(sha256)) ?? (await bring(sha256)), // A2
    async read(sha256, offset) {
      const found = await assets.read(sha256, offset);
      if (found !== undefined || (await bring(sha256)) === undefined) {
        return found;
      }
      return assets.read(sha256, offset);
    },
    async remove(sha256) {
      await options.settled(); // A1
      const isRemoved = await assets.remove(sha256);
      if (isRemoved && !fresh.has(sha256)) {
        await files.remove(assetName(sha256)).catch((error: unknown) => {
          options.onTrouble("an asset was not removed from those that stand by yet", error);
        });
      }
      return isRemoved;
    },
    walk: assets.walk,
    mirror(keepsAsset) {
      const loop = startLoop({
        everyMs: mirrorEveryMs,
        async run(stopping) {
          for (;;) {
            try {
              return await look(keepsAsset, AbortSignal.any([signal, stopping]));
            } catch (error) {
              if (stopping.aborted || signal.aborted) {
                return;
              }
              options.onTrouble("assets could not be brought together with the others'", error);
              await pause(followEveryMs * 10, stopping);
            }
          }
        },
        onTrouble: (error) => options.onTrouble("assets could not be brought together", error),
      });
      void loop.runNow();
      return loop;
    },
    missing: () => missing,
  };
}

export interface FollowAssetsOptions {
  readonly files: StateFiles;
  readonly assets: AssetFiles;
  /** Whether the database refers to it; undefined while there is none. */
  readonly keepsAsset: (sha256: string) => boolean | undefined;
  readonly onMissing: (count: number) => void;
  readonly onTrouble: (what: string, error: unknown) => void;
}

/** Brings here what the one that leads has, until `signal` is aborted. */
export async function followAssets(
  options: FollowAssetsOptions,
  signal: AbortSignal,
): Promise<void> {
  const { files, assets, onMissing } = options;
  let last: number | undefined;
  let sweptAt = performance.now();
  let toldTrouble = false;
  while (!signal.aborted) {
    try {
      if (last === undefined) {
        last = await bringAll(options, signal);
      }
      for (;;) {
        const file = await files.next(last);
        if (file === undefined || signal.aborted) {
          break;
        }
        const sha256 = sha256Of(file.name);
        if (sha256 !== undefined) {
          const bytes = await bytesOf(file, sha256);
          if (bytes !== undefined) {
            using _saved = await assets.save(bytes, sha256);
          }
        }
        last = file.sequence;
      }
      onMissing(0);
      toldTrouble = false;
      if (performance.now() - sweptAt > mirrorEveryMs) {
        sweptAt = performance.now();
        await sweep(options, signal);
      }
    } catch (error) {
      if (!signal.aborted && !toldTrouble) {
        options.onTrouble("assets could not be followed", error);
      }
      toldTrouble = true;
    }
    await pause(followEveryMs, signal);
  }
}

/** @returns the sequence to go on from */
async function bringAll(
  { files, assets, onMissing }: FollowAssetsOptions,
  signal: AbortSignal,
): Promise<number> {
  const { names, last } = await files.list();
  const lacking = new Set<string>();
  for (const name of names) {
    const sha256 = sha256Of(name);
    if (sha256 !== undefined) {
      lacking.add(sha256);
    }
  }
  for await (const sha256 of assets.walk()) {
    lacking.delete(sha256);
  }
  for (const sha256 of lacking) {
    signal.throwIfAborted();
    onMissing(lacking.size);
    const file = await files.get(assetName(sha256));
    const bytes = file && (await bytesOf(file, sha256));
    if (bytes !== undefined) {
      using _saved = await assets.save(bytes, sha256);
    }
    lacking.delete(sha256);
  }
  return last;
}

/** Removes what neither the database nor the other side's files have. */
async function sweep(
  { files, assets, keepsAsset }: FollowAssetsOptions,
  signal: AbortSignal,
): Promise<void> {
  const local: string[] = [];
  for await (const sha256 of assets.walk()) {
    local.push(sha256);
  }
  const { names } = await files.list(); // after the walk: what came meanwhile is in both
  for (const sha256 of local) {
    if (signal.aborted) {
      return;
    }
    if (!names.has(assetName(sha256)) && keepsAsset(sha256) === false) {
      await assets.remove(sha256);
    }
  }
}

async function bytesOf(file: StateFile, sha256: string): Promise<Uint8Array | undefined> {
  const chunks = await all(file.read());
  const [only = new Uint8Array()] = chunks;
  const bytes = chunks.length === 1 ? only : Buffer.concat(chunks);
  return hash("sha256", bytes, "hex") === sha256 ? bytes : undefined;
}
