/** The data directory cannot be used, and why. */
export class StoreError extends Error {
  override name = "StoreError";
  readonly code = "store";
}
