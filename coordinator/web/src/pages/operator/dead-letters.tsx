/** Jobs that were given up, each of which can be sent again. */
import type { DeadLetter } from "@turntable/proto";
import { useState } from "preact/hooks";
import { admin } from "../../api.ts";
import { useCall, useEvery } from "../../data/stream.ts";
import { formatBytes, shorten } from "../../format.ts";
import { pathOf } from "../../router.ts";
import { ActionButton } from "../../ui/action-button.tsx";
import { Pager } from "../../ui/pager.tsx";
import { Section, TableFrame } from "../../ui/section.tsx";
import { Empty, Failed, Loading } from "../../ui/states.tsx";
import { Ago } from "../../ui/time.tsx";

const pageSize = 20;
const lookMs = 5_000;

export function DeadLetters() {
  const [tokens, setTokens] = useState<readonly string[]>([]);
  const pageToken = tokens.at(-1) ?? "";
  const { value, error, loading, reload } = useCall(
    (signal) => admin.listDeadLetters({ pageSize, pageToken }, { signal }),
    `dead letters ${pageToken}`,
  );
  useEvery(lookMs, reload);
  const letters = value?.deadLetters ?? [];
  return (
    <Section title="Dead letters">
      {loading ? <Loading what="dead letters" /> : undefined}
      {error === undefined ? undefined : <Failed error={error} retry={reload} />}
      {value !== undefined && letters.length === 0 ? (
        <Empty>No job was given up.</Empty>
      ) : undefined}
      {letters.length === 0 ? undefined : (
        <TableFrame label="Dead letters">
          <table>
            <thead>
              <tr>
                <th scope="col">Job</th>
                <th scope="col">Why</th>
                <th scope="col" class="number">
                  Tries
                </th>
                <th scope="col" class="number">
                  Asset
                </th>
                <th scope="col" class="number">
                  When
                </th>
                <th scope="col">Again</th>
              </tr>
            </thead>
            <tbody>
              {letters.map((letter) => (
                <Row key={`${letter.jobId} ${letter.replica}`} letter={letter} onReplay={reload} />
              ))}
            </tbody>
          </table>
        </TableFrame>
      )}
      <Pager
        what="dead letters"
        tokens={tokens}
        next={value?.nextPageToken ?? ""}
        onTurn={setTokens}
      />
    </Section>
  );
}

function Row({ letter, onReplay }: { readonly letter: DeadLetter; readonly onReplay: () => void }) {
  const { jobId, taskId, jobClass, prompt, reason, attempts, assetSizeBytes, time } = letter;
  return (
    <tr>
      <td>
        {taskId === "" ? (
          <span class="mono" title={jobId}>
            {shorten(jobId)}
          </span>
        ) : (
          <a class="mono" href={pathOf({ page: "task", id: taskId })} title={jobId}>
            {shorten(jobId)}
          </a>
        )}
        <span class="reason">
          {jobClass}: {prompt}
        </span>
      </td>
      <td class="reason-cell">{reason}</td>
      <td class="number">{attempts}</td>
      <td class="number">{formatBytes(assetSizeBytes)}</td>
      <td class="number">
        <Ago time={time} />
      </td>
      <td>
        <ActionButton
          label="Replay"
          action={() => admin.replayDeadLetter({ jobId })}
          onDone={onReplay}
        />
      </td>
    </tr>
  );
}
