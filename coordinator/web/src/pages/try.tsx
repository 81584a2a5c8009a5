/** Asking the subnet for something, and seeing it come to be. */
import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { WatchTaskResponse } from "@turntable/proto";
import { useRef, useState } from "preact/hooks";
import { explain, generation } from "../api.ts";
import { useTitle } from "../ui/title.ts";

/** As the service has it. */
const longestPrompt = 1024;

type Asking =
  | { readonly kind: "idle" }
  | { readonly kind: "asked"; readonly changes: readonly WatchTaskResponse[] }
  | { readonly kind: "failed"; readonly reason: string };

export function TryPage() {
  useTitle("Try it");
  const [asking, setAsking] = useState<Asking>({ kind: "idle" });
  const input = useRef<HTMLInputElement>(null);
  const ask = async (): Promise<void> => {
    try {
      const { task } = await generation.createTask({ prompt: input.current?.value ?? "" });
      const changes: WatchTaskResponse[] = [];
      for await (const change of generation.watchTask({ taskId: task?.id ?? "" })) {
        changes.push(change);
        setAsking({ kind: "asked", changes: [...changes] });
      }
    } catch (error) {
      setAsking({ kind: "failed", reason: explain(error) });
    }
  };
  return (
    <section>
      <h1>Ask the subnet for something</h1>
      <form
        class="ask"
        onSubmit={(event) => {
          event.preventDefault();
          void ask();
        }}
      >
        <label for="prompt">What shall it make?</label>
        <input id="prompt" ref={input} required maxLength={longestPrompt} placeholder="a red car" />
        <button type="submit">Make it</button>
      </form>
      {asking.kind === "failed" ? <p role="alert">{asking.reason}</p> : undefined}
      {asking.kind === "asked" ? (
        <ol aria-live="polite">
          {asking.changes.map(({ sequence, kind, time }) => (
            <li key={sequence}>
              {kind} {time === undefined ? "" : timestampDate(time).toLocaleTimeString()}
            </li>
          ))}
        </ol>
      ) : undefined}
    </section>
  );
}
