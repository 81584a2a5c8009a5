/** Which of the places outside cannot be reached now, as the events of storing say. */
import type { StorageEvent } from "./storage.ts";

export interface StorageBoard {
  /** An event has come. */
  seen(event: StorageEvent): void;
  /** By name. */
  away(): readonly string[];
}

export function createStorageBoard(): StorageBoard {
  const away = new Set<string>();
  return {
    seen({ kind, target }) {
      if (kind === "away") {
        away.add(target);
      } else if (kind === "back" || kind === "stored") {
        away.delete(target);
      }
    },
    away: () => [...away],
  };
}
