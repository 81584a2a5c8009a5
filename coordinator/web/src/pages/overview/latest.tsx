/** What was asked for last, what came of it, and the way to ask for more. */
import {
  type CoordinatorFacts,
  type PublicTask,
  type TaskRates,
  TaskState,
} from "@turntable/proto";
import { useEffect, useState } from "preact/hooks";
import { subnet } from "../../api.ts";
import { useCall } from "../../data/stream.ts";
import { navigate, pathOf } from "../../router.ts";
import { PromptLink } from "../../ui/names.tsx";
import { Section } from "../../ui/section.tsx";
import { Empty, Failed, Loading } from "../../ui/states.tsx";
import { Ago } from "../../ui/time.tsx";
import { Score, TaskBadge } from "../../ui/verdict.tsx";
import { LatestResult } from "./latest-result.tsx";

const shown = 9;
/** Between a change and the look at the tasks, in ms. */
const lookMs = 1_000;
/** A result turns for so long at least before the next one takes its place, in ms. */
const turnMs = 15_000;

export function Latest({
  facts,
  tasks,
}: {
  readonly facts: CoordinatorFacts | undefined;
  readonly tasks: TaskRates | undefined;
}) {
  const list = useCall(
    (signal) => subnet.listPublicTasks({ pageSize: shown }, { signal }),
    "latest",
  );
  const results = useCall(
    (signal) => subnet.listPublicTasks({ pageSize: 1, states: [TaskState.SUCCEEDED] }, { signal }),
    "results",
  );
  // The overview tells that something happened to tasks, and not to which.
  useEffect(() => {
    if (tasks !== undefined) {
      const timer = setTimeout(() => {
        list.reload();
        results.reload();
      }, lookMs);
      return () => clearTimeout(timer);
    }
  }, [tasks, list.reload, results.reload]);
  const result = useSlowly(results.value?.tasks[0]);
  return (
    <>
      <LatestResult task={result} />
      <Section title="Latest tasks" aside={<a href={pathOf({ page: "tasks" })}>All tasks</a>}>
        {facts?.takesTasks ? <Ask /> : undefined}
        {list.loading ? <Loading what="tasks" /> : undefined}
        {list.error === undefined ? undefined : <Failed error={list.error} retry={list.reload} />}
        {list.value?.tasks.length === 0 ? (
          <Empty>
            {facts?.showsClientTasks
              ? "There is no task yet: ask for something."
              : "There is no synthetic task yet; tasks of clients are not shown here."}
          </Empty>
        ) : undefined}
        <ul class="task-list">
          {(list.value?.tasks ?? []).map((task) => (
            <Row key={task.id} task={task} />
          ))}
        </ul>
      </Section>
    </>
  );
}

/** The task, or for a while the one before it. */
function useSlowly(task: PublicTask | undefined): PublicTask | undefined {
  const [current, setCurrent] = useState({ task, sinceMs: 0 });
  useEffect(() => {
    if (task?.id === current.task?.id) {
      return;
    }
    const change = (): void => setCurrent({ task, sinceMs: Date.now() });
    const timer = setTimeout(change, Math.max(0, current.sinceMs + turnMs - Date.now()));
    return () => clearTimeout(timer);
  }, [task, current]);
  return current.task;
}

function Row({ task }: { readonly task: PublicTask }) {
  const { id, prompt, state, bestScore, createTime } = task;
  return (
    <li>
      <PromptLink id={id} prompt={prompt} />
      <TaskBadge state={state} />
      <span class="number">
        <Score score={bestScore} />
      </span>
      <span class="number quiet">
        <Ago time={createTime} />
      </span>
    </li>
  );
}

/** A prompt that is taken to the page where it is followed. */
function Ask() {
  return (
    <form
      class="ask"
      onSubmit={(event) => {
        event.preventDefault();
        const prompt = new FormData(event.currentTarget).get("prompt");
        navigate(`${pathOf({ page: "try" })}?${new URLSearchParams({ prompt: String(prompt) })}`);
      }}
    >
      <input
        name="prompt"
        required
        maxLength={1024}
        placeholder="a blue vase"
        aria-label="What shall the subnet make?"
      />
      <button type="submit" class="primary">
        Make it
      </button>
    </form>
  );
}
