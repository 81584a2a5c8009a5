/** What stands where something is not there: not yet, not at all, or not for us. */
import type { ComponentChildren } from "preact";
import { explain } from "../api.ts";

export function Loading({ what }: { readonly what: string }) {
  return (
    <p class="loading" role="status">
      Loading {what} …
    </p>
  );
}

export function Failed({
  error,
  retry,
}: {
  readonly error: unknown;
  readonly retry?: (() => void) | undefined;
}) {
  return (
    <div class="notice bad" role="alert">
      <p>{explain(error)}</p>
      {retry === undefined ? undefined : (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

export function Empty({ children }: { readonly children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}
