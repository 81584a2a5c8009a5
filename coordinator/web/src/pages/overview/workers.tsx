/** Who renders and scores. */
import type { PublicWorker, WorkerList } from "@turntable/proto";
import { formatCount, formatDuration, formatPercent } from "../../format.ts";
import { Meter } from "../../ui/meter.tsx";
import { Section, TableFrame } from "../../ui/section.tsx";
import { Empty } from "../../ui/states.tsx";
import { Ago } from "../../ui/time.tsx";

export function Workers({ workers }: { readonly workers: WorkerList | undefined }) {
  const all = workers?.workers ?? [];
  return (
    <Section title="Workers" wide>
      {all.length === 0 ? (
        <Empty>No worker has sent a result since the coordinator started.</Empty>
      ) : (
        <TableFrame label="Workers">
          <table>
            <thead>
              <tr>
                <th scope="col">Worker</th>
                <th scope="col">Busy, last 5 min</th>
                <th scope="col">Renders with</th>
                <th scope="col">Scores with</th>
                <th scope="col" class="number">
                  Scored
                </th>
                <th scope="col" class="number">
                  Refused assets
                </th>
                <th scope="col" class="number">
                  Faults
                </th>
                <th scope="col" class="number">
                  A job takes
                </th>
                <th scope="col" class="number">
                  Latest result
                </th>
                <th scope="col">Version</th>
              </tr>
            </thead>
            <tbody>
              {all.map((worker) => (
                <Row key={worker.id} worker={worker} />
              ))}
            </tbody>
          </table>
        </TableFrame>
      )}
    </Section>
  );
}

function Row({ worker }: { readonly worker: PublicWorker }) {
  const { id, busyShare, renderer, model, demonstration, faults } = worker;
  return (
    <tr>
      <th scope="row">{id}</th>
      <td>
        <Meter share={busyShare} text={formatPercent(busyShare)} />
      </td>
      <td>{renderer || "–"}</td>
      <td>
        {model || "–"}
        {demonstration ? <span class="quiet"> (demonstration)</span> : undefined}
      </td>
      <td class="number">{formatCount(worker.scored)}</td>
      <td class="number">{formatCount(worker.invalid)}</td>
      <td class={faults > 0n ? "number bad-text" : "number"}>{formatCount(faults)}</td>
      <td class="number">{worker.meanTotalMs > 0 ? formatDuration(worker.meanTotalMs) : "–"}</td>
      <td class="number">
        <Ago time={worker.lastResultTime} />
      </td>
      <td class="quiet">{worker.version}</td>
    </tr>
  );
}
