/** The data directory cannot be used, and why. */
export class StoreError extends Error {
  override name = "StoreError";
  readonly code = "store";
}

/** Nothing more can be written: the disk, or its quota, is full. What was to be written is not there. */
export class StorageFullError extends Error {
  override name = "StorageFullError";
  readonly code = "storageFull";
}

/**
 * What was done is not certain to outlive this machine yet, or another coordinator leads: nobody may be told of it. Whoever
 * asks again gets it from who leads then.
 */
export class NotReplicatedError extends Error {
  override name = "NotReplicatedError";
  readonly code = "notReplicated";
}

/** SQLITE_FULL */
const sqliteFull = 13;

/** Whether the system or SQLite says that the disk is full. */
export function isStorageFull(error: unknown): boolean {
  if (!(error instanceof Error)) {
    return false;
  }
  if ("errcode" in error) {
    return error.errcode === sqliteFull;
  }
  return "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
}
