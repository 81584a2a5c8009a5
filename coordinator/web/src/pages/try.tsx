/** Asking the subnet for something, and seeing it come to be. */
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { type Task, TaskState, type WatchTaskResponse } from "@turntable/proto";
import { useEffect, useRef, useState } from "preact/hooks";
import { explain, generation, keepKey, needsKey, readKey } from "../api.ts";
import { samplesOf } from "../code-samples.ts";
import { useOverview } from "../data/overview.ts";
import { isLasting, pauseMs } from "../data/stream.ts";
import { formatScore } from "../format.ts";
import { base, pathOf, usePlace } from "../router.ts";
import { KeyForm } from "../ui/key-form.tsx";
import { Hotkey } from "../ui/names.tsx";
import { Samples } from "../ui/samples.tsx";
import { Section } from "../ui/section.tsx";
import { between, Took } from "../ui/time.tsx";
import { useTitle } from "../ui/title.ts";
import { toneOf, wordsOf } from "../ui/verdict.tsx";
import { Result } from "./try/result.tsx";

/** As the service has it. */
const longestPrompt = 1024;
const examples = ["a blue vase", "a wooden chair", "a red car", "a green bottle"];

type Asking =
  | { readonly kind: "idle" }
  | { readonly kind: "sending" }
  | {
      readonly kind: "watching" | "done";
      readonly task: Task;
      readonly changes: readonly WatchTaskResponse[];
      /** The stream broke, and is being taken up again. */
      readonly lost: boolean;
    }
  | { readonly kind: "failed"; readonly error: unknown };

export function TryPage() {
  useTitle("Try it");
  const { query } = usePlace();
  const { value: overview } = useOverview();
  const facts = overview?.facts;
  const [prompt, setPrompt] = useState(query.get("prompt") ?? "");
  const [asking, ask] = useAsking();
  const [hasKey, setHasKey] = useState(readKey("client") !== undefined);
  const started = useRef(false);
  const wantsKey =
    (facts?.needsKey === true && !hasKey) || (asking.kind === "failed" && needsKey(asking.error));
  // Whoever wrote a prompt on another page has said that it shall be made.
  useEffect(() => {
    if (!started.current && facts?.takesTasks && !wantsKey && query.has("prompt")) {
      started.current = true;
      history.replaceState(undefined, "", new URL(pathOf({ page: "try" }), base));
      ask(prompt);
    }
  }, [facts, wantsKey, query, ask, prompt]);
  if (facts?.takesTasks === false) {
    return (
      <>
        <h1>Ask the subnet for something</h1>
        <p class="notice idle">This coordinator takes no tasks over the web.</p>
      </>
    );
  }
  const busy = asking.kind === "sending" || asking.kind === "watching";
  return (
    <>
      <header class="page-head">
        <h1>Ask the subnet for something</h1>
      </header>
      <form
        class="ask large"
        onSubmit={(event) => {
          event.preventDefault();
          ask(prompt);
        }}
      >
        <input
          name="prompt"
          required
          maxLength={longestPrompt}
          placeholder="a blue vase"
          aria-label="What shall the subnet make?"
          value={prompt}
          onInput={({ currentTarget }) => setPrompt(currentTarget.value)}
        />
        <button type="submit" class="primary" disabled={busy || wantsKey}>
          {busy ? "Working …" : "Make it"}
        </button>
      </form>
      <p class="quiet examples">
        For example{" "}
        {examples.map((example) => (
          <button key={example} type="button" class="link" onClick={() => setPrompt(example)}>
            {example}
          </button>
        ))}
      </p>
      {wantsKey ? (
        <KeyForm
          label="API key"
          hint={
            asking.kind === "failed"
              ? explain(asking.error)
              : "This coordinator takes tasks from clients with a key."
          }
          onKey={(key) => {
            keepKey("client", key);
            setHasKey(true);
            if (prompt.trim() !== "") {
              ask(prompt);
            }
          }}
        />
      ) : undefined}
      {asking.kind === "failed" && !needsKey(asking.error) ? (
        <p class="notice bad" role="alert">
          {explain(asking.error)}
        </p>
      ) : undefined}
      {asking.kind === "watching" || asking.kind === "done" ? (
        <Progress asking={asking} />
      ) : undefined}
      <Section title="The same in code" wide>
        <Samples
          samples={samplesOf({
            prompt: prompt.trim() || "a blue vase",
            baseUrl: base.href.replace(/\/$/, ""),
            needsKey: facts?.needsKey ?? false,
          })}
        />
      </Section>
    </>
  );
}

/** What was asked for last, and what asks for something else. */
function useAsking(): readonly [Asking, (prompt: string) => void] {
  const [asking, setAsking] = useState<Asking>({ kind: "idle" });
  const current = useRef<AbortController>(undefined);
  useEffect(() => () => current.current?.abort(), []);
  const ask = useRef((prompt: string): void => {
    current.current?.abort();
    const left = new AbortController();
    current.current = left;
    run(prompt, left.signal, setAsking).catch(
      (error: unknown) => left.signal.aborted || setAsking({ kind: "failed", error }),
    );
  });
  return [asking, ask.current];
}

async function run(
  prompt: string,
  signal: AbortSignal,
  tell: (asking: Asking) => void,
): Promise<void> {
  tell({ kind: "sending" });
  // crypto.randomUUID is there on https and localhost only.
  const idempotencyKey = [...crypto.getRandomValues(new Uint32Array(4))].join("-");
  const { task } = await generation.createTask({ prompt, idempotencyKey }, { signal });
  if (task === undefined) {
    throw new Error("the coordinator answered without a task");
  }
  const changes: WatchTaskResponse[] = [];
  tell({ kind: "watching", task, changes, lost: false });
  for (let failures = 0; ; ) {
    try {
      const afterSequence = changes.at(-1)?.sequence ?? 0n;
      for await (const change of generation.watchTask(
        { taskId: task.id, afterSequence },
        { signal },
      )) {
        failures = 0;
        changes.push(change);
        tell({ kind: "watching", task, changes: [...changes], lost: false });
      }
      return tell({ kind: "done", task, changes, lost: false });
    } catch (error) {
      if (signal.aborted || isLasting(error)) {
        throw error;
      }
      tell({ kind: "watching", task, changes: [...changes], lost: true });
      await new Promise((resolve) => setTimeout(resolve, pauseMs(failures, Math.random)));
      failures += 1;
    }
  }
}

function Progress({ asking }: { readonly asking: Extract<Asking, { readonly task: Task }> }) {
  const { task, changes, kind, lost } = asking;
  const last = changes.at(-1);
  const ended = kind === "done";
  return (
    <div class="grid">
      <Section
        title={ended ? "What happened" : "What happens"}
        aside={
          <>
            <Took from={task.createTime} to={ended ? last?.time : undefined} />{" "}
            <a href={pathOf({ page: "task", id: task.id })}>the task</a>
          </>
        }
      >
        <ol class="timeline" aria-live="polite">
          {changes.map(({ sequence, time, kind: what, minerHotkey, score, message }) => (
            <li key={sequence} class={toneOf(what)}>
              <time
                class="number quiet"
                dateTime={time === undefined ? undefined : timestampDate(time).toISOString()}
              >
                +{between(changes[0]?.time, time) || "0 ms"}
              </time>
              <span>
                <strong>{wordsOf(what)}</strong>
                {minerHotkey === "" ? undefined : (
                  <>
                    {" "}
                    by <Hotkey hotkey={minerHotkey} />
                  </>
                )}
                {score === undefined ? "" : `, score ${formatScore(score)}`}
                {message === "" ? undefined : <span class="quiet"> – {message}</span>}
              </span>
            </li>
          ))}
          {ended ? undefined : (
            <li class="pending">
              <span />
              <span class="quiet">{lost ? "Reconnecting …" : stepWords(last?.state)}</span>
            </li>
          )}
        </ol>
      </Section>
      {last?.state === TaskState.SUCCEEDED ? <Result task={task} /> : undefined}
    </div>
  );
}

function stepWords(state: TaskState | undefined): string {
  switch (state) {
    case TaskState.ASSIGNED:
      return "A miner makes it …";
    case TaskState.SCORING:
      return "It is looked at from all sides, and compared with the words …";
    default:
      return "Waiting for a miner …";
  }
}
