/** All tasks that are shown, newest first. */
import { type PublicTask, TaskOrigin, TaskState } from "@turntable/proto";
import { useState } from "preact/hooks";
import { subnet } from "../api.ts";
import { useOverview } from "../data/overview.ts";
import { useCall, useEvery } from "../data/stream.ts";
import { Hotkey, PromptLink } from "../ui/names.tsx";
import { Pager } from "../ui/pager.tsx";
import { TableFrame } from "../ui/section.tsx";
import { Empty, Failed, Loading } from "../ui/states.tsx";
import { Ago, Took } from "../ui/time.tsx";
import { useTitle } from "../ui/title.ts";
import { Score, TaskBadge } from "../ui/verdict.tsx";

const pageSize = 50;
/** Between two looks while the newest ones are shown, in ms. */
const lookMs = 3_000;

const filters = {
  all: { name: "All", states: [] },
  open: { name: "Open", states: [TaskState.QUEUED, TaskState.ASSIGNED, TaskState.SCORING] },
  succeeded: { name: "Succeeded", states: [TaskState.SUCCEEDED] },
  failed: { name: "Failed", states: [TaskState.FAILED] },
  cancelled: { name: "Cancelled", states: [TaskState.CANCELLED] },
} as const;
type Filter = keyof typeof filters;

const origins = {
  all: { name: "From anyone", origin: TaskOrigin.UNSPECIFIED },
  organic: { name: "Clients'", origin: TaskOrigin.ORGANIC },
  synthetic: { name: "Synthetic", origin: TaskOrigin.SYNTHETIC },
} as const;
type Origin = keyof typeof origins;

export function TasksPage() {
  useTitle("Tasks");
  const [filter, setFilter] = useState<Filter>("all");
  const [origin, setOrigin] = useState<Origin>("all");
  const [tokens, setTokens] = useState<readonly string[]>([]);
  const { value: overview } = useOverview();
  const pageToken = tokens.at(-1) ?? "";
  const { states } = filters[filter];
  const { value, error, loading, reload } = useCall(
    (signal) =>
      subnet.listPublicTasks(
        { pageSize, pageToken, states: [...states], origin: origins[origin].origin },
        { signal },
      ),
    `${filter} ${origin} ${pageToken}`,
  );
  useEvery(lookMs, () => pageToken === "" && reload());
  const showClients = overview?.facts?.showsClientTasks ?? true;
  return (
    <>
      <header class="page-head">
        <h1>Tasks</h1>
        <Choice
          name="State"
          choices={filters}
          chosen={filter}
          onChoose={(next) => {
            setFilter(next);
            setTokens([]);
          }}
        />
        {showClients ? (
          <Choice
            name="Origin"
            choices={origins}
            chosen={origin}
            onChoose={(next) => {
              setOrigin(next);
              setTokens([]);
            }}
          />
        ) : undefined}
      </header>
      {showClients ? undefined : (
        <p class="quiet">Tasks of clients are not shown here, only synthetic ones.</p>
      )}
      {loading ? <Loading what="tasks" /> : undefined}
      {error === undefined ? undefined : <Failed error={error} retry={reload} />}
      {value === undefined ? undefined : <TaskTable tasks={value.tasks} />}
      <Pager what="tasks" tokens={tokens} next={value?.nextPageToken ?? ""} onTurn={setTokens} />
    </>
  );
}

function Choice<K extends string>({
  name,
  choices,
  chosen,
  onChoose,
}: {
  readonly name: string;
  readonly choices: Readonly<Record<K, { readonly name: string }>>;
  readonly chosen: K;
  readonly onChoose: (key: K) => void;
}) {
  const keys = Object.keys(choices) as K[]; // of the record itself
  return (
    <fieldset class="choice">
      <legend class="off-screen">{name}</legend>
      {keys.map((key) => (
        <label key={key}>
          <input type="radio" name={name} checked={key === chosen} onChange={() => onChoose(key)} />
          <span>{choices[key].name}</span>
        </label>
      ))}
    </fieldset>
  );
}

function TaskTable({ tasks }: { readonly tasks: readonly PublicTask[] }) {
  if (tasks.length === 0) {
    return <Empty>There are no such tasks.</Empty>;
  }
  return (
    <TableFrame label="Tasks">
      <table>
        <thead>
          <tr>
            <th scope="col">Prompt</th>
            <th scope="col">State</th>
            <th scope="col" class="number">
              Best score
            </th>
            <th scope="col" class="number">
              Copies
            </th>
            <th scope="col">Winner</th>
            <th scope="col">Of</th>
            <th scope="col" class="number">
              Took
            </th>
            <th scope="col" class="number">
              Asked
            </th>
          </tr>
        </thead>
        <tbody>
          {tasks.map((task) => (
            <Row key={task.id} task={task} />
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}

function Row({ task }: { readonly task: PublicTask }) {
  const { id, prompt, state, bestScore, copies, winnerHotkey, origin, createTime, endTime } = task;
  return (
    <tr>
      <th scope="row" class="prompt-cell">
        <PromptLink id={id} prompt={prompt} />
      </th>
      <td>
        <TaskBadge state={state} />
      </td>
      <td class="number">
        <Score score={bestScore} />
      </td>
      <td class="number">{copies}</td>
      <td>
        <Hotkey hotkey={winnerHotkey} />
      </td>
      <td class="quiet">{origin === TaskOrigin.SYNTHETIC ? "dataset" : "client"}</td>
      <td class="number">
        <Took from={createTime} to={endTime} />
      </td>
      <td class="number">
        <Ago time={createTime} />
      </td>
    </tr>
  );
}
