/** Who was registered on the subnets when the chain was last read, for a start without it. */
import { z } from "zod";
import type { Store } from "./store.ts";

const row = z.object({ hotkey: z.string() });

/** Hotkeys are ss58. */
export interface KnownHotkeys {
  /** Empty when nothing is remembered. */
  load(netuid: number): ReadonlySet<string>;
  save(netuid: number, hotkeys: ReadonlySet<string>): void;
}

/** The hotkeys remembered in `store`. */
export function createKnownHotkeys(store: Store): KnownHotkeys {
  return {
    load: (netuid) =>
      new Set(
        store
          .all("SELECT hotkey FROM known_hotkeys WHERE netuid = ?", netuid)
          .map((found) => row.parse(found).hotkey),
      ),
    save: (netuid, hotkeys) =>
      store.transaction(() => {
        store.run("DELETE FROM known_hotkeys WHERE netuid = ?", netuid);
        for (const hotkey of hotkeys) {
          store.run("INSERT INTO known_hotkeys VALUES (?, ?)", netuid, hotkey);
        }
      }),
  };
}
