/** Every worker, with where its time goes. */
import { WorkerState } from "@turntable/proto";
import { useState } from "preact/hooks";
import { admin } from "../../api.ts";
import { useCall, useEvery } from "../../data/stream.ts";
import { formatCount, formatDuration } from "../../format.ts";
import { ActionButton } from "../../ui/action-button.tsx";
import { Pager } from "../../ui/pager.tsx";
import { Section, TableFrame } from "../../ui/section.tsx";
import { Empty, Failed, Loading } from "../../ui/states.tsx";
import { Ago } from "../../ui/time.tsx";

const pageSize = 50;
const lookMs = 5_000;

const stateNames = new Map<WorkerState, string>([
  [WorkerState.LOADING, "loading"],
  [WorkerState.READY, "ready"],
  [WorkerState.WORKING, "working"],
  [WorkerState.DRAINING, "draining"],
  [WorkerState.DRAINED, "drained"],
  [WorkerState.AWAY, "away"],
  [WorkerState.QUARANTINED, "quarantined"],
]);

export function OperatorWorkers() {
  const [tokens, setTokens] = useState<readonly string[]>([]);
  const pageToken = tokens.at(-1) ?? "";
  const { value, error, loading, reload } = useCall(
    (signal) => admin.listWorkers({ pageSize, pageToken }, { signal }),
    `workers ${pageToken}`,
  );
  useEvery(lookMs, reload);
  const workers = value?.workers ?? [];
  return (
    <Section title="Workers" wide>
      {loading ? <Loading what="workers" /> : undefined}
      {error === undefined ? undefined : <Failed error={error} retry={reload} />}
      {value !== undefined && workers.length === 0 ? (
        <Empty>No worker is connected, and none has sent a result since the start.</Empty>
      ) : undefined}
      {workers.length === 0 ? undefined : (
        <TableFrame label="Workers">
          <table>
            <thead>
              <tr>
                <th scope="col">Worker</th>
                <th scope="col">State</th>
                <th scope="col" class="number">
                  Scored
                </th>
                <th scope="col" class="number">
                  Refused
                </th>
                <th scope="col" class="number">
                  Faults
                </th>
                <th scope="col" class="number">
                  Rendering
                </th>
                <th scope="col" class="number">
                  Comparing
                </th>
                <th scope="col" class="number">
                  In all
                </th>
                <th scope="col" class="number">
                  First result
                </th>
                <th scope="col" class="number">
                  Latest
                </th>
                <th scope="col">Jobs</th>
              </tr>
            </thead>
            <tbody>
              {workers.map((worker) => (
                <tr key={worker.id}>
                  <th scope="row">{worker.id}</th>
                  <td class={worker.quarantine === undefined ? undefined : "bad-text"}>
                    {stateNames.get(worker.state)}
                  </td>
                  <td class="number">{formatCount(worker.scored)}</td>
                  <td class="number">{formatCount(worker.invalid)}</td>
                  <td class={worker.faults > 0n ? "number bad-text" : "number"}>
                    {formatCount(worker.faults)}
                  </td>
                  <td class="number">{formatDuration(worker.meanRenderMs)}</td>
                  <td class="number">{formatDuration(worker.meanScoreMs)}</td>
                  <td class="number">{formatDuration(worker.meanTotalMs)}</td>
                  <td class="number">
                    <Ago time={worker.firstResultTime} />
                  </td>
                  <td class="number">
                    <Ago time={worker.lastResultTime} />
                  </td>
                  <td>
                    <Turn id={worker.id} state={worker.state} onDone={reload} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </TableFrame>
      )}
      {workers.map(({ id, quarantine }) =>
        quarantine === undefined ? undefined : (
          <p key={id} class="bad-text">
            {id} is quarantined: {quarantine.reason}.
          </p>
        ),
      )}
      <Pager what="workers" tokens={tokens} next={value?.nextPageToken ?? ""} onTurn={setTokens} />
    </Section>
  );
}

/** What can be done with a worker that answers. */
function Turn({
  id: workerId,
  state,
  onDone,
}: {
  readonly id: string;
  readonly state: WorkerState;
  readonly onDone: () => void;
}) {
  if (state === WorkerState.AWAY) {
    return null;
  }
  if (state === WorkerState.QUARANTINED) {
    return (
      <ActionButton
        key="release"
        label="Release"
        confirm="Really take its results again?"
        action={() => admin.releaseWorker({ workerId })}
        onDone={onDone}
      />
    );
  }
  if (state === WorkerState.DRAINING || state === WorkerState.DRAINED) {
    return (
      <ActionButton
        key="resume"
        label="Resume"
        action={() => admin.resumeWorker({ workerId })}
        onDone={onDone}
      />
    );
  }
  return (
    <ActionButton
      key="drain"
      label="Drain"
      confirm="Really take no more?"
      action={() => admin.drainWorker({ workerId })}
      onDone={onDone}
    />
  );
}
