/** What was made last, and the way to ask for more. */
import type { CoordinatorFacts, PublicTask, TaskRates } from "@turntable/proto";
import { useEffect } from "preact/hooks";
import { subnet } from "../../api.ts";
import { useCall } from "../../data/stream.ts";
import { navigate, pathOf } from "../../router.ts";
import { PromptLink } from "../../ui/names.tsx";
import { Section } from "../../ui/section.tsx";
import { Empty, Failed, Loading } from "../../ui/states.tsx";
import { Ago } from "../../ui/time.tsx";
import { Score, TaskBadge } from "../../ui/verdict.tsx";

const shown = 8;
/** Between two looks at the tasks while they change, in ms. */
const lookMs = 2_000;

export function LatestTasks({
  facts,
  tasks,
}: {
  readonly facts: CoordinatorFacts | undefined;
  readonly tasks: TaskRates | undefined;
}) {
  const { value, error, loading, reload } = useCall(
    (signal) => subnet.listPublicTasks({ pageSize: shown }, { signal }),
    "latest",
  );
  // The overview tells that something happened to tasks; the list is asked for when it has been quiet for a moment.
  useEffect(() => {
    if (tasks !== undefined) {
      const timer = setTimeout(reload, lookMs);
      return () => clearTimeout(timer);
    }
  }, [tasks, reload]);
  const latest = value?.tasks ?? [];
  return (
    <Section title="Latest tasks" aside={<a href={pathOf({ page: "tasks" })}>All tasks</a>}>
      {facts?.takesTasks ? <Ask /> : undefined}
      {loading ? <Loading what="tasks" /> : undefined}
      {error === undefined ? undefined : <Failed error={error} retry={reload} />}
      {value !== undefined && latest.length === 0 ? (
        <Empty>
          {facts?.showsClientTasks
            ? "There is no task yet: ask for something."
            : "There is no synthetic task yet; tasks of clients are not shown here."}
        </Empty>
      ) : undefined}
      <ul class="task-list">
        {latest.map((task) => (
          <Row key={task.id} task={task} />
        ))}
      </ul>
    </Section>
  );
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
