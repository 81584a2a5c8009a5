/**
 * Follows the coordinator that leads until it is this one's turn.
 *
 * B1 What is served later is the log's state to its end, never an older one: the database here is followed by entry, or
 *    restored, and a new term begins with an entry of its own, right after the last one that is in it.
 * B2 Whoever has not followed to the end does not try to lead.
 * B3 An empty log is begun only by who never followed one: a data directory that did may be older than another one. A
 *    log that is shorter than it was is nobody's to go on with. Who is told to begins it in any case, and the others are
 *    restored from it.
 * B4 Who has no database begins an empty log only where no coordinator has been: one that runs without a log has a
 *    database, and would be restored from the empty one.
 */
import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import {
  LogLostError,
  OvertakenError,
  QueueUnavailableError,
  type StateEntry,
  type StateLog,
  type StateLogInfo,
} from "@turntable/bus";
import { z } from "zod";
import {
  currentSchema,
  openAssetFiles,
  openReplica,
  type Replica,
  type ReplicaPlace,
  readPlace,
  StoreError,
  writePlace,
} from "../store/index.ts";
import { fetchCopy, readManifest } from "./copies.ts";
import { type Leadership, type LeadershipOptions, lead } from "./leadership.ts";
import { createLeaseWatch, holdLease } from "./lease.ts";
import { pause } from "./pause.ts";
import { followAssets } from "./shared-assets.ts";
import type { StandbyEvent, StandbyView } from "./view.ts";

export interface StandbyOptions {
  readonly log: StateLog;
  readonly dataDir: string;
  /** Of this coordinator, for people. */
  readonly name: string;
  readonly leaseMs: number;
  /** Begins the log anew with the database that is here, whatever the log has (B3). */
  readonly begin: boolean;
  readonly onEvent: (event: StandbyEvent) => void;
  /** Told once, with what others may see until it leads. */
  readonly onView?: (view: StandbyView) => void;
  readonly copyEveryBytes?: number;
}

/** What an entry that begins a term says, beside its holder: whether it goes on from what came before. */
const termSchema = z.object({ isBeginning: z.boolean() });
/** Between two looks at log and lease, in ms. */
const lookEveryMs = 250;
/** Entries that are read at a time, of a MiB at most. */
const entriesAtOnce = 16;
/** Who has no database at all leaves an empty log to others for so many lengths of a lease. */
const patienceOfEmpty = 2;
const restoredFileName = "standby-restored.partial";

/**
 * Resolves when this coordinator leads and its data directory is as the log says.
 * @throws StoreError or LogLostError when it cannot be used, and what to do; the signal's reason
 */
export async function standBy(options: StandbyOptions, signal: AbortSignal): Promise<Leadership> {
  const { log, dataDir, onEvent } = options;
  const place = readPlace(dataDir);
  using replica = openReplica(dataDir);
  const follower = createFollower(options, replica, place);
  options.onView?.(follower.view);
  const stopFollowing = new AbortController();
  const assets = followAssets(
    {
      files: log.files,
      assets: await openAssetFiles(join(dataDir, "assets"), { freshBytes: 0 }),
      keepsAsset: follower.keepsAsset,
      onMissing: follower.assetsMiss,
      onTrouble: (what, error) => onEvent({ kind: "trouble", what, error }),
    },
    AbortSignal.any([signal, stopFollowing.signal]),
  );
  let taken: Taken | undefined;
  try {
    taken = await follower.untilTaken(signal);
    follower.close(taken.position);
  } catch (error) {
    follower.close(undefined);
    throw error;
  } finally {
    stopFollowing.abort();
    await assets;
  }
  const { directory } = place;
  const { name, copyEveryBytes } = options;
  return lead({ ...taken, ...{ log, dataDir, directory, name, copyEveryBytes, onEvent } });
}

type Taken = Pick<
  LeadershipOptions,
  "lease" | "logId" | "position" | "schema" | "loggedEntries" | "loggedBytes"
>;

function createFollower(options: StandbyOptions, replica: Replica, place: ReplicaPlace) {
  const { log, dataDir, leaseMs, begin, onEvent } = options;
  const { directory } = place;
  const now = (): number => performance.now();
  const watch = createLeaseWatch(leaseMs, now);
  const startedAt = now();
  /** Undefined while the database is that of no entry. */
  let schema: number | undefined;
  let position = 0;
  let end = 0;
  let logId: string | undefined;
  let missing = 0;
  /** Bodies of entries that others go on with. */
  let pieces: Uint8Array[] = [];
  /** A copy from before this entry is that of another database. */
  let base = 0;
  let leader: string | undefined;
  let toldTrouble: string | undefined;

  const note = (isWhole: boolean, isSynced: boolean): void =>
    writePlace(dataDir, { directory, log: logId, position, isWhole }, isSynced);

  /** Looks what is here and in the log. @returns false for a log that is to be begun */
  const begins = async (info: StateLogInfo): Promise<boolean> => {
    const isKnown = place.log === info.id;
    const isShorter = isKnown && place.position > info.last;
    const isEmpty = info.last === 0 || (await readManifest(log.files))?.log !== info.id;
    if (begin) {
      return true;
    }
    if (isEmpty || isShorter) {
      if (place.log === undefined && isEmpty) {
        return true;
      }
      // B3
      throw new LogLostError(
        `the log of changes on NATS ${isEmpty ? "is empty" : `ends at ${info.last}`}, and the data directory ${dataDir} has followed one up to ${place.position}: NATS has lost it. ` +
          "Stop all coordinators of this hotkey, start the one that led last with --standby-begin, once, and then the others.",
      );
    }
    if (isKnown && place.isWhole && place.position + 1 >= info.first && replica.hasDatabase()) {
      schema = replica.open();
      position = place.position;
      logId = info.id;
      note(false, true); // R1 of the replica: from here on it changes
    }
    return false;
  };

  const restore = async (info: StateLogInfo, reason: string, signal: AbortSignal) => {
    const manifest = await readManifest(log.files);
    if (manifest === undefined || manifest.log !== info.id || manifest.position < base) {
      throw new QueueUnavailableError("there is no copy of the database yet");
    }
    if (manifest.schema > currentSchema) {
      throw new StoreError(
        `the coordinator that leads is of a newer version (schema ${manifest.schema}, this one knows ${currentSchema}): run that version here, too`,
      );
    }
    const file = join(dataDir, restoredFileName);
    if (!(await fetchCopy(log.files, manifest, file, signal))) {
      await rm(file, { force: true });
      throw new QueueUnavailableError("the copy of the database was replaced meanwhile");
    }
    note(false, true);
    schema = replica.restore(file);
    position = manifest.position;
    pieces = [];
    onEvent({ kind: "restored", position, reason });
  };

  const apply = (entry: StateEntry): void => {
    position = entry.sequence;
    if (entry.kind === "term") {
      pieces = []; // of one who did not come to its end
      const { isBeginning } = termSchema.parse(
        JSON.parse(Buffer.from(entry.body).toString("utf8")),
      );
      if (isBeginning) {
        // With another database: its first copy comes after this entry.
        base = position;
        schema = undefined;
      }
      return;
    }
    pieces.push(entry.body);
    if (entry.hasMore) {
      return;
    }
    const body = zstdDecompressSync(Buffer.concat(pieces));
    pieces = [];
    if (entry.kind === "keys") {
      replica.replaceKeys(body);
    } else if (entry.schema === schema) {
      replica.apply(body);
    } else {
      throw new StoreError(`a change is of schema ${entry.schema}, the database of ${schema}`);
    }
  };

  /** Follows the log to its end. */
  const catchUp = async (signal: AbortSignal): Promise<void> => {
    for (;;) {
      const info = await log.entries.info();
      end = info.last;
      if (info.id !== logId) {
        throw new LogLostError("the log of changes was begun anew: start this coordinator again");
      }
      if (schema === undefined || position + 1 < info.first) {
        const reason =
          schema === undefined ? "nothing here to go on from" : "the log was shortened";
        schema = undefined;
        await restore(info, reason, signal);
      }
      while (position < info.last) {
        signal.throwIfAborted();
        const wanted = Math.min(entriesAtOnce, info.last - position);
        const entries = await log.entries.read(position + 1, wanted);
        if (entries.length === 0) {
          break; // a copy of the stream that is a moment behind, or it was shortened
        }
        for (const entry of entries) {
          if (schema === undefined) {
            break;
          }
          try {
            apply(entry);
          } catch (error) {
            // What does not fit is restored: the copy is right whatever went wrong here.
            onEvent({ kind: "trouble", what: "a change could not be followed", error });
            schema = undefined;
            throw new QueueUnavailableError("the database has to be restored", { cause: error });
          }
        }
        if (schema === undefined) {
          break; // begun anew
        }
      }
      if (position >= info.last && schema !== undefined) {
        return;
      }
      await pause(lookEveryMs, signal);
    }
  };

  /** @returns undefined when it is not this one's turn, or another was faster */
  const tryToTake = async (
    isBeginning: boolean,
    signal: AbortSignal,
  ): Promise<Taken | undefined> => {
    const current = await log.lease.read();
    if (current !== undefined && current.name !== leader && !current.isReleased) {
      leader = current.name;
      onEvent({ kind: "following", position, leader });
    }
    if (!watch.isFree(current, { directory, name: options.name })) {
      return undefined;
    }
    if (isBeginning && !replica.hasDatabase()) {
      if (now() - startedAt < patienceOfEmpty * leaseMs) {
        return undefined; // to one with a database
      }
      if (!begin && (await log.hasQueue())) {
        // B4
        throw new QueueUnavailableError(
          `a coordinator has used this NATS without standing by, and the data directory ${dataDir} is empty: ` +
            "start the one that has the data with --standby-enabled (in Kubernetes: delete its pod), which this one then follows; " +
            "if there is none, start this one with --standby-begin, once",
        );
      }
    }
    const silentMs = current?.isReleased === false ? (watch.ageMs() ?? 0) : 0;
    const holder = { holder: randomUUID(), directory, name: options.name, isReleased: false };
    const writtenAt = now();
    const revision = await log.lease.write(holder, current?.revision ?? 0);
    const lease = holdLease({
      ...{ lease: log.lease, holder, revision, writtenAt, lengthMs: leaseMs, now },
      onTrouble: (what, error) => onEvent({ kind: "trouble", what, error }),
    });
    let logged: StateLogInfo;
    try {
      const over = AbortSignal.any([signal, lease.lost]);
      const body = Buffer.from(JSON.stringify({ ...holder, isBeginning }));
      for (;;) {
        if (isBeginning) {
          ({ last: position } = await log.entries.info());
        } else {
          await catchUp(over);
        }
        try {
          // B1: from here on nobody else can append.
          const entry = { kind: "term", body, schema: schema ?? 0 } as const;
          position = await log.entries.append(entry, position, over);
          logged = await log.entries.info();
          break;
        } catch (error) {
          if (!(error instanceof OvertakenError) || isBeginning) {
            throw error;
          }
        }
      }
    } catch (error) {
      await lease.release().catch(() => undefined);
      throw error;
    }
    onEvent({ kind: "leading", position, before: current?.name ?? "", silentMs });
    return {
      ...{ lease, logId: logId ?? "", position, schema: isBeginning ? undefined : schema },
      ...{ loggedEntries: position - logged.first, loggedBytes: logged.bytes },
    };
  };

  return {
    async untilTaken(signal: AbortSignal): Promise<Taken> {
      let isBeginning: boolean | undefined;
      for (;;) {
        signal.throwIfAborted();
        try {
          // Until it is begun: it may be by somebody else.
          if (isBeginning !== false) {
            const info = await log.entries.info();
            isBeginning = await begins(info);
            logId = info.id;
          }
          if (!isBeginning) {
            await catchUp(signal); // B2
          }
          const taken = await tryToTake(isBeginning, signal);
          if (taken !== undefined) {
            return taken;
          }
          toldTrouble = undefined;
        } catch (error) {
          if (!(error instanceof QueueUnavailableError || error instanceof OvertakenError)) {
            throw error;
          }
          if (error instanceof QueueUnavailableError && toldTrouble !== error.message) {
            toldTrouble = error.message;
            onEvent({ kind: "trouble", what: "the log cannot be followed now", error });
          }
        }
        await pause(lookEveryMs, signal);
      }
    },
    /** @param term where this one's own begins, when it does */
    close(term: number | undefined): void {
      if (schema === undefined) {
        return;
      }
      replica.sync();
      position = term ?? position;
      note(term === undefined && pieces.length === 0, true);
    },
    keepsAsset: (sha256: string) => (schema === undefined ? undefined : replica.keepsAsset(sha256)),
    assetsMiss(count: number): void {
      missing = count;
    },
    view: {
      name: options.name,
      leader: () => leader,
      isLeading: () => false,
      leaseAgeMs: watch.ageMs,
      position: () => position,
      lag: () => Math.max(0, end - position),
      missingAssets: () => missing,
    } satisfies StandbyView,
  };
}
