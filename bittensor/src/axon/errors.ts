/** What a handler throws to answer with a status of its choice. Everything else it throws is a 500 with an id only. */
export class AxonError extends Error {
  override name = "AxonError";
  /** HTTP status, 400 to 599. */
  readonly status: number;
  /** @param message shown to the caller; printable ASCII arrives unchanged */
  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}
