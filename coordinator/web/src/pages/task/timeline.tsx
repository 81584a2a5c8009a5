/** Everything that happened to a task, in order. */
import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { PublicTaskChange } from "@turntable/proto";
import { formatTime } from "../../format.ts";
import { Hotkey } from "../../ui/names.tsx";
import { between } from "../../ui/time.tsx";
import { Score, toneOf, wordsOf } from "../../ui/verdict.tsx";

export function Timeline({ changes }: { readonly changes: readonly PublicTaskChange[] }) {
  const start = changes[0]?.time;
  return (
    <ol class="timeline">
      {changes.map(({ sequence, time, kind, minerHotkey, score, message }) => (
        <li key={sequence} class={toneOf(kind)}>
          <time
            class="number quiet"
            dateTime={time === undefined ? undefined : timestampDate(time).toISOString()}
            title={time === undefined ? undefined : formatTime(timestampDate(time))}
          >
            +{between(start, time) || "0 ms"}
          </time>
          <span>
            <strong>{wordsOf(kind)}</strong>
            {minerHotkey === "" ? undefined : (
              <>
                {" "}
                by <Hotkey hotkey={minerHotkey} />
              </>
            )}
            {score === undefined ? undefined : (
              <>
                , score <Score score={score} />
              </>
            )}
            {message === "" ? undefined : <span class="quiet"> – {message}</span>}
          </span>
        </li>
      ))}
    </ol>
  );
}
