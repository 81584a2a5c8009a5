/** Times as people say them, with the exact one in the title. */
import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import { useEffect, useState } from "preact/hooks";
import { formatDuration, formatRelative, formatTime } from "../format.ts";

const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

/** The time, a second at a time: one clock for all that the page shows. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const update = (): void => setNow(Date.now());
    listeners.add(update);
    timer ??= setInterval(() => {
      if (!document.hidden) {
        for (const listener of listeners) {
          listener();
        }
      }
    }, 1_000);
    return () => {
      listeners.delete(update);
      if (listeners.size === 0) {
        clearInterval(timer);
        timer = undefined;
      }
    };
  }, []);
  return now;
}

/** `3 min ago`, which goes on. */
export function Ago({ time }: { readonly time: Timestamp | undefined }) {
  const now = useNow();
  if (time === undefined) {
    return <span class="quiet">never</span>;
  }
  const date = timestampDate(time);
  return (
    <time dateTime={date.toISOString()} title={formatTime(date)}>
      {formatRelative(date.getTime() - now)}
    </time>
  );
}

/** How long something took, or has taken until now. */
export function Took({
  from,
  to,
}: {
  readonly from: Timestamp | undefined;
  readonly to: Timestamp | undefined;
}) {
  return to === undefined ? <TakesStill from={from} /> : <span>{between(from, to)}</span>;
}

function TakesStill({ from }: { readonly from: Timestamp | undefined }) {
  const now = useNow();
  return from === undefined ? undefined : (
    <span class="quiet">
      {formatDuration(Math.max(0, now - timestampDate(from).getTime()))} so far
    </span>
  );
}

/** The time from one to the other. */
export function between(from: Timestamp | undefined, to: Timestamp | undefined): string {
  return from === undefined || to === undefined
    ? ""
    : formatDuration(Math.max(0, timestampDate(to).getTime() - timestampDate(from).getTime()));
}
