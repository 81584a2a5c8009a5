import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import { formatRelative, formatTime } from "../format.ts";
import { useNow } from "./time.tsx";

/** When a miner may have its next task. */
export function Cooldown({ until }: { readonly until: Timestamp | undefined }) {
  const now = useNow();
  const date = until === undefined ? undefined : timestampDate(until);
  return date === undefined || date.getTime() <= now ? (
    <span class="good-text">now</span>
  ) : (
    <time dateTime={date.toISOString()} title={formatTime(date)}>
      {formatRelative(date.getTime() - now)}
    </time>
  );
}
