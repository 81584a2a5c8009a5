/** A place outside where accepted assets are kept, too. */
import type { Submission } from "../submissions/index.ts";

export interface StoredItem {
  /** What was submitted, and to what. */
  readonly submission: Submission;
  readonly prompt: string;
  /** The miner's, ss58. */
  readonly miner: string;
  /** The asset as the miner submitted it. */
  readonly bytes: Uint8Array;
}

export interface StorageTarget extends AsyncDisposable {
  /** One word, for the tables, the log and metrics. */
  readonly name: string;
  /** For how long what is stored stays there, in ms; undefined when nothing ends it. */
  readonly keepsMs: number | undefined;
  /**
   * Stores an asset. What is there already is not stored again.
   * @param tries how often it was tried before
   * @returns what it is known by there
   * @throws StorageAwayError when nothing can be stored there now, anything else when it is this asset that could not
   */
  store(item: StoredItem, tries: number, signal: AbortSignal): Promise<string>;
}

/** The place cannot be reached, or takes nothing at all now: that is no asset's fault. */
export class StorageAwayError extends Error {
  override name = "StorageAwayError";
  readonly code = "storageAway";
}
