/** Whether what is shown is what is. */
import type { LiveState } from "../data/stream.ts";

const words: Readonly<Record<LiveState, string>> = {
  connecting: "connecting",
  live: "live",
  lost: "reconnecting",
  ended: "ended",
  refused: "refused",
};

export function LiveMark({ state }: { readonly state: LiveState }) {
  return (
    <span class={`live-mark ${state}`} role="status">
      {words[state]}
    </span>
  );
}
