import type { Clock } from "../clock.ts";

/** Remembers ids for a while, to drop what comes twice. */
export interface RecentIds {
  /** False when `id` was added within the window. */
  add(id: string): boolean;
}

export function createRecentIds(windowMs: number, clock: Clock): RecentIds {
  // Insertion order is order of expiry, so the stale ones are at the front.
  const expiresAtMs = new Map<string, number>();
  return {
    add(id) {
      const now = clock.now();
      for (const [oldId, at] of expiresAtMs) {
        if (at > now) {
          break;
        }
        expiresAtMs.delete(oldId);
      }
      if (expiresAtMs.has(id)) {
        return false;
      }
      expiresAtMs.set(id, now + windowMs);
      return true;
    },
  };
}
