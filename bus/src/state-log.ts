/**
 * What coordinators of one hotkey share, so that one can stand by for another: a log of what changed, large files
 * beside it, and a lease that says who leads.
 *
 * T1 An entry is appended right after the one that its writer knows as the last, or not at all. Who was overtaken learns
 *    it from the log itself, whatever its clock and its lease say.
 * T2 The lease is only written over by who has read what it writes over. It says who may try to lead; T1 is what keeps
 *    two from doing so.
 * T3 A file is there when all of it is.
 */

/** Log and lease are called by everybody in the same way, whatever carries them. */
export interface StateLog extends AsyncDisposable {
  readonly entries: StateEntries;
  readonly files: StateFiles;
  readonly lease: StateLease;
  /** A coordinator has made the queue of jobs there, with or without a log. @throws QueueUnavailableError */
  hasQueue(): Promise<boolean>;
}

/** A term begins with its leader; what changed comes in it, and the API keys that there are. */
export type StateEntryKind = "term" | "changes" | "keys";

export interface StateEntry {
  readonly kind: StateEntryKind;
  readonly sequence: number;
  readonly body: Uint8Array;
  /** The schema of the database that it changes. */
  readonly schema: number;
  /** The next entry goes on with this one's body. */
  readonly hasMore: boolean;
}

export interface StateEntries {
  /**
   * Appends `body`, in as many entries as it takes, until `signal` is aborted: while the log is away it is tried again.
   * @param after the last entry's sequence as the caller knows it (T1)
   * @returns the sequence of the last entry now
   * @throws OvertakenError, LogLostError, the signal's reason
   */
  append(
    entry: Pick<StateEntry, "kind" | "body" | "schema">,
    after: number,
    signal: AbortSignal,
  ): Promise<number>;
  /** The entries from this sequence on without a gap, at most `limit`. @throws QueueUnavailableError */
  read(from: number, limit: number): Promise<readonly StateEntry[]>;
  /** @throws QueueUnavailableError */
  info(): Promise<StateLogInfo>;
  /** Removes entries up to this one. @throws QueueUnavailableError */
  trim(upTo: number): Promise<void>;
}

export interface StateLogInfo {
  /** Another one when the log was lost and begun anew. */
  readonly id: string;
  /** Of the oldest that is kept; one more than `last` when there is none. */
  readonly first: number;
  /** 0 when there never was one. */
  readonly last: number;
  /** Of all entries that are kept. */
  readonly bytes: number;
}

export interface StateFile {
  readonly name: string;
  readonly sequence: number;
  read(): AsyncIterable<Uint8Array>;
}

/** All of it throws QueueUnavailableError. */
export interface StateFiles {
  /** Writes a file, in place of one of the same name. */
  put(
    name: string,
    chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<void>;
  get(name: string): Promise<StateFile | undefined>;
  /** The first that was finished after this sequence. */
  next(after: number): Promise<StateFile | undefined>;
  /** No error when there is none. */
  remove(name: string): Promise<void>;
  list(): Promise<{ readonly names: ReadonlySet<string>; readonly last: number }>;
}

export interface LeaseHolder {
  /** Of the process. */
  readonly holder: string;
  /** Of its data directory, which only one process has at a time. */
  readonly directory: string;
  /** For people. */
  readonly name: string;
  /** Its holder has given it back. */
  readonly isReleased: boolean;
}

export interface StateLease {
  /** Undefined when nobody ever held it. @throws QueueUnavailableError */
  read(): Promise<(LeaseHolder & { readonly revision: number }) | undefined>;
  /**
   * @param over the revision that is written over, 0 for none (T2)
   * @returns the new revision
   * @throws OvertakenError, QueueUnavailableError
   */
  write(holder: LeaseHolder, over: number): Promise<number>;
}

/** Somebody else has written meanwhile. */
export class OvertakenError extends Error {
  override name = "OvertakenError";
  readonly code = "overtaken";
}

/** The log does not have what was in it. */
export class LogLostError extends Error {
  override name = "LogLostError";
  readonly code = "log-lost";
}
