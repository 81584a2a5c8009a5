/**
 * What was handed in before: the same bytes, or the same object in another order, another encoding or with a little
 * noise.
 *
 * P1 Only what is rewarded, or may be, is an original. What was rejected, could not be read or met a fault of ours may
 *    be handed in again.
 * P2 The first submission keeps it, by the order of arrival, whoever is scored first.
 * P3 A miner's tries at one task are never duplicates of each other: it gets the task again after a fault of ours.
 */
import { isSame, logSizeTolerance, parseGeometry } from "@turntable/splat/fingerprint";
import { z } from "zod";
import type { Store } from "../store/index.ts";
import type { Assignment } from "../tasks/index.ts";
import type { Submission } from "./submission.ts";

export interface DuplicateLimits {
  /** How long a submission is looked for, in ms; 0 rewards whatever is submitted, however often. */
  readonly windowMs: number;
  /** The most fingerprints that one is compared with, the newest of those near it in size. */
  readonly compared: number;
}

export const defaultDuplicateLimits: DuplicateLimits = { windowMs: 86_400_000, compared: 5_000 };

/** Accepted submissions of the same object, by their ids. */
export interface SameObject {
  readonly earlier: readonly string[];
  readonly later: readonly string[];
}

/** `now` is ms since 1970 UTC. All of it is to be called in the transaction that gives the verdict. */
export interface Duplicates {
  /** Whether the bytes were submitted before. */
  hasSameBytes(submission: Submission, assignment: Assignment, now: number): boolean;
  /** @param geometry as the worker sent it; empty or unreadable ones are like nothing */
  sameObject(
    submission: Submission,
    assignment: Assignment,
    geometry: Uint8Array,
    now: number,
  ): SameObject;
  /** Remembers what was accepted, and forgets some of what has left the window. */
  keep(id: string, geometry: Uint8Array, now: number): void;
}

const nothing: SameObject = { earlier: [], later: [] };
/** Fingerprints that are forgotten for each one that is kept, so that there is never a long delete. */
const forgottenAtOnce = 4;
/** Sizes are kept as doubles of single precision: a little more than the tolerance finds all within it. */
const sizeReach = logSizeTolerance * 1.01;

const nearRow = z.object({
  id: z.string(),
  sequence: z.number(),
  geometry: z.instanceof(Uint8Array),
});

/** The originals in `store`. */
export function createDuplicates(store: Store, limits: DuplicateLimits): Duplicates {
  const { windowMs, compared } = limits;
  return {
    hasSameBytes(submission, assignment, now) {
      if (windowMs === 0) {
        return false;
      }
      const original = store.get(
        `SELECT 1 FROM submissions s JOIN assignments a ON a.id = s.id
         WHERE s.asset_sha256 = ? AND s.received_at > ? AND s.sequence < ?
           AND (s.verdict IS NULL OR s.verdict = 'accepted')
           AND NOT (a.task_id = ? AND a.hotkey = ?)
         LIMIT 1`,
        submission.assetSha256,
        now - windowMs,
        submission.sequence,
        assignment.taskId,
        assignment.hotkey,
      );
      return original !== undefined;
    },
    sameObject(submission, assignment, bytes, now) {
      const geometry = parseGeometry(bytes);
      const [size] = geometry ?? [];
      if (windowMs === 0 || geometry === undefined || size === undefined) {
        return nothing;
      }
      const near = store
        .all(
          `SELECT s.id, s.sequence, f.geometry FROM fingerprints f
             JOIN submissions s ON s.id = f.id JOIN assignments a ON a.id = f.id
           WHERE f.size BETWEEN ? AND ? AND f.at > ? AND NOT (a.task_id = ? AND a.hotkey = ?)
           ORDER BY f.at DESC LIMIT ?`,
          size - sizeReach,
          size + sizeReach,
          now - windowMs,
          assignment.taskId,
          assignment.hotkey,
          compared,
        )
        .map((row) => nearRow.parse(row));
      const same = near.filter((other) => {
        const known = parseGeometry(other.geometry);
        return known !== undefined && isSame(known, geometry);
      });
      const isEarlier = ({ sequence }: { readonly sequence: number }): boolean =>
        sequence < submission.sequence;
      return {
        earlier: same.filter(isEarlier).map(({ id }) => id),
        later: same.filter((other) => !isEarlier(other)).map(({ id }) => id),
      };
    },
    keep(id, bytes, now) {
      const [size] = parseGeometry(bytes) ?? [];
      if (windowMs === 0 || size === undefined) {
        return;
      }
      store.run(
        `DELETE FROM fingerprints WHERE id IN
           (SELECT id FROM fingerprints WHERE at <= ? ORDER BY at LIMIT ${forgottenAtOnce})`,
        now - windowMs,
      );
      store.run(
        "INSERT OR REPLACE INTO fingerprints (id, at, size, geometry) VALUES (?, ?, ?, ?)",
        id,
        now,
        size,
        bytes,
      );
    },
  };
}
