/**
 * The coordinator that leads: everything that it commits goes into the log, and nobody is told of anything before.
 *
 * L1 `settled` resolves when all that was committed before is in the log. Since an entry comes right after this
 *    coordinator's last one or not at all, that is proof that nobody else had begun to lead by then. It is what
 *    answers, acknowledged results and weights wait for.
 * L2 Changes go into the log in the order of their commits, one entry at a time, each with all that came meanwhile.
 * L3 From time to time a copy of the database is stored, and the log before it removed. A copy is the database as of an
 *    entry.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import type { StateEntry, StateLog } from "@turntable/bus";
import { startLoop } from "@turntable/process";
import {
  type AssetFiles,
  copyDatabase,
  currentSchema,
  type KeysReader,
  NotReplicatedError,
  openKeysReader,
  type Recording,
  type Store,
  writePlace,
} from "../store/index.ts";
import { storeCopy } from "./copies.ts";
import type { HeldLease } from "./lease.ts";
import { pause } from "./pause.ts";
import { type SharedAssets, shareAssets } from "./shared-assets.ts";
import type { StandbyEvent, StandbyView } from "./view.ts";

/** What a coordinator does so that another can take over. */
export interface Leadership extends AsyncDisposable {
  /** Begins to record what the store commits, to be called once; disposing it brings the last of it into the log. */
  follow(store: Store): AsyncDisposable;
  /** The same assets, with those that stand by, too. To be called once. */
  share(assets: AssetFiles): SharedAssets;
  /**
   * Resolves when whatever was committed before this call may be told (L1).
   * @throws NotReplicatedError when it may not, or not now
   */
  settled(): Promise<void>;
  /** Why nothing may be told now; undefined when all is well. */
  notReady(): string | undefined;
  /** Rejects when another leads, or the log is lost: the process has to be started anew. */
  readonly ended: Promise<never>;
  readonly view: StandbyView;
}

export interface LeadershipOptions {
  readonly log: StateLog;
  readonly logId: string;
  readonly lease: HeldLease;
  /** The data directory, and the name that it has. */
  readonly dataDir: string;
  readonly directory: string;
  /** Of this coordinator, as in the lease. */
  readonly name: string;
  /** Of the entry that began this term. */
  readonly position: number;
  /** What the log has since its last copy. */
  readonly loggedEntries: number;
  readonly loggedBytes: number;
  /** Of the database that others have by the log; undefined when they have none of this one. */
  readonly schema: number | undefined;
  readonly onEvent: (event: StandbyEvent) => void;
  /** Bytes of the log after which a copy is stored; the database's own size, and 64 MiB at least, when absent. */
  readonly copyEveryBytes?: number | undefined;
}

/** Below it a copy costs more than reading the log. */
const leastCopyEveryBytes = 64 * 1024 * 1024;
/** A longer log takes minutes to follow. */
const copyEveryEntries = 100_000;
/** Before a copy that failed is tried again, in ms. */
const copyPauseMs = 5_000;
/** Between two looks at the lease and at keys that other processes make, and two notes of the place; ms. */
const lookEveryMs = 250;
const placeEveryMs = 3_000;
/** So long the last changes may take to come into the log at the end; ms. */
const lastPatienceMs = 5_000;
const copyFileName = "standby-copy.partial";

type Deferred = PromiseWithResolvers<void>;

/** Leads. Disposing it, after everything that writes, gives the lease back. */
export function lead(options: LeadershipOptions): Leadership {
  const { log, lease, dataDir, onEvent } = options;
  const stopping = new AbortController();
  const over = AbortSignal.any([lease.lost, stopping.signal]);
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => undefined); // whoever cares is told
  const trouble = (what: string, error: unknown): void => onEvent({ kind: "trouble", what, error });
  const copyFile = join(dataDir, copyFileName);

  let { position } = options;
  let recording: Recording | undefined;
  let keys: KeysReader | undefined;
  let shared: SharedAssets | undefined;
  /** Why this coordinator leads no more. */
  let fault: Error | undefined;
  /** Something was written that is not captured yet. */
  let isDirty = false;
  let appending: Promise<void> | undefined;
  /** Who waits for the entries that are being appended, and for those after them. */
  let waiting: Deferred | undefined;
  let next: Deferred | undefined;
  /** Others have nothing that the log goes on from. */
  let mustCopy = options.schema !== currentSchema;
  let copying: Promise<void> | undefined;
  let entriesSinceCopy = options.loggedEntries;
  let bytesSinceCopy = options.loggedBytes;
  let copyEveryBytes = options.copyEveryBytes ?? leastCopyEveryBytes;
  /** All that was committed is in the log, and nothing more will be. */
  let isWhole = false;
  let placedAt = Number.NEGATIVE_INFINITY;

  const end = (cause: unknown): void => {
    fault ??= cause instanceof Error ? cause : new Error(String(cause));
    ended.reject(fault);
    refuseAll();
  };
  const refusal = (): NotReplicatedError =>
    fault === undefined
      ? new NotReplicatedError("it is not certain that this coordinator still leads")
      : new NotReplicatedError(`this coordinator leads no more: ${fault.message}`, {
          cause: fault,
        });
  const refuseAll = (): void => {
    for (const deferred of [waiting, next]) {
      deferred?.reject(refusal());
    }
    waiting = undefined;
    next = undefined;
  };
  const mayTell = (): boolean => fault === undefined && lease.isValid();
  const onLost = (): void => end(lease.lost.reason);
  lease.lost.addEventListener("abort", onLost);

  const append = async (kind: StateEntry["kind"], body: Uint8Array): Promise<void> => {
    const entry = { kind, body: zstdCompressSync(body), schema: currentSchema };
    position = await log.entries.append(entry, position, over);
    entriesSinceCopy++;
    bytesSinceCopy += entry.body.length;
  };

  /** Until a copy is stored of what `copied` is the database of: as of the entry `at`. */
  const finishCopy = async (copied: Promise<void>, at: number): Promise<void> => {
    await copied;
    const about = { log: options.logId, position: at, schema: currentSchema };
    const { bytes } = await storeCopy(log.files, copyFile, about, over);
    await log.entries.trim(at);
    await rm(copyFile, { force: true });
    copyEveryBytes = options.copyEveryBytes ?? Math.max(leastCopyEveryBytes, bytes);
    onEvent({ kind: "copied", position: at, bytes });
  };

  /** The first copy, before anything is told: the log would go on from nothing. */
  const copyFirst = async (source: Recording): Promise<void> => {
    for (;;) {
      isDirty = true; // the keys, at least
      source.take(); // is in the copy
      const copied = copyDatabase(dataDir, copyFile);
      try {
        await finishCopy(copied, position);
        mustCopy = false;
        return;
      } catch (error) {
        over.throwIfAborted();
        trouble("the first copy of the database could not be stored yet", error);
        await pause(copyPauseMs, over);
      }
    }
  };

  const appendAll = async (source: Recording, knownKeys: KeysReader): Promise<void> => {
    if (mustCopy) {
      await copyFirst(source);
    }
    while (isDirty) {
      waiting = next;
      next = undefined;
      isDirty = false;
      const changes = source.take(); // L2
      const isCopyDue =
        copying === undefined &&
        (bytesSinceCopy > copyEveryBytes || entriesSinceCopy > copyEveryEntries);
      // At once, before anything else is committed (L3).
      const copied = isCopyDue ? copyDatabase(dataDir, copyFile) : undefined;
      copied?.catch(() => undefined); // told below
      if (changes.length > 0) {
        await append("changes", changes);
      }
      if (copied !== undefined) {
        entriesSinceCopy = 0;
        bytesSinceCopy = 0;
        copying = finishCopy(copied, position)
          .catch((error: unknown) => {
            if (!over.aborted) {
              trouble("a copy of the database could not be stored", error);
            }
          })
          .finally(() => {
            copying = undefined;
          });
      }
      // After a copy also, which has none of them.
      if (copied !== undefined || knownKeys.isChanged()) {
        await append("keys", knownKeys.read());
      }
      waiting?.resolve();
      waiting = undefined;
    }
  };
  const startAppending = (): void => {
    if (appending !== undefined || fault !== undefined || stopping.signal.aborted) {
      return;
    }
    if (recording === undefined || keys === undefined) {
      return;
    }
    const [source, knownKeys] = [recording, keys];
    appending = (async () => {
      await undefined; // so that `appending` is set before it ends
      try {
        await appendAll(source, knownKeys);
      } catch (error) {
        if (!stopping.signal.aborted) {
          end(error);
        }
      }
      appending = undefined; // in the turn in which nothing was left
    })();
  };
  let isStarting = false;
  const onWrite = (): void => {
    isDirty = true;
    if (!isStarting) {
      isStarting = true;
      setImmediate(() => {
        isStarting = false;
        startAppending();
      });
    }
  };

  const settled = async (): Promise<void> => {
    if (!mayTell()) {
      throw refusal();
    }
    if (!isDirty && keys?.isChanged() === true) {
      isDirty = true;
    }
    if (isDirty) {
      next ??= deferred();
      startAppending();
      await next.promise;
    } else if (appending !== undefined) {
      waiting ??= deferred();
      await waiting.promise;
    }
  };

  const loop = startLoop({
    everyMs: lookEveryMs,
    run() {
      if (!mayTell()) {
        refuseAll(); // the entries may still come into the log
      }
      if (keys?.isChanged() === true) {
        onWrite();
      }
      if (performance.now() - placedAt > placeEveryMs) {
        placedAt = performance.now();
        notePlace(false);
      }
    },
    onTrouble: (error) => trouble("the lead could not be looked after", error),
  });
  const notePlace = (isSynced: boolean): void => {
    if (mustCopy) {
      return; // the log is that of nobody yet
    }
    const { directory, logId } = options;
    writePlace(dataDir, { directory, log: logId, position, isWhole }, isSynced);
  };

  return {
    follow(store) {
      recording = store.record(onWrite);
      keys = openKeysReader(dataDir);
      onWrite();
      return {
        async [Symbol.asyncDispose]() {
          const late = AbortSignal.timeout(lastPatienceMs);
          try {
            while (fault === undefined && (isDirty || appending !== undefined)) {
              late.throwIfAborted();
              startAppending();
              await Promise.race([appending, pause(lastPatienceMs, late)]);
            }
            isWhole = fault === undefined;
          } catch (error) {
            trouble("the last changes did not come into the log", error);
          }
          stopping.abort();
          await Promise.all([appending, copying]);
          recording?.[Symbol.dispose]();
          keys?.[Symbol.dispose]();
          recording = undefined;
          keys = undefined;
        },
      };
    },
    share(assets) {
      shared = shareAssets({
        ...{ files: log.files, assets, settled, signal: over, onTrouble: trouble },
      });
      return shared;
    },
    settled,
    notReady: () => (mayTell() ? undefined : refusal().message),
    ended: ended.promise,
    view: {
      name: options.name,
      leader: () => (mayTell() ? options.name : undefined),
      isLeading: mayTell,
      leaseAgeMs: lease.ageMs,
      position: () => position,
      lag: () => 0,
      missingAssets: () => shared?.missing() ?? 0,
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await loop[Symbol.asyncDispose]();
      lease.lost.removeEventListener("abort", onLost);
      notePlace(true);
      try {
        if (await lease.release()) {
          onEvent({ kind: "released" });
        }
      } catch (error) {
        trouble("the lease could not be given back, and ends by itself", error);
      }
    },
  };
}

/** Nobody has to wait for it. */
function deferred(): Deferred {
  const made = Promise.withResolvers<void>();
  made.promise.catch(() => undefined);
  return made;
}
