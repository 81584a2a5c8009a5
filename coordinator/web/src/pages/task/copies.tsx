/** What every miner made of a task, and what was said of it. */
import type { PublicCopy } from "@turntable/proto";
import { Hotkey } from "../../ui/names.tsx";
import { Section, TableFrame } from "../../ui/section.tsx";
import { Empty } from "../../ui/states.tsx";
import { between, Took } from "../../ui/time.tsx";
import { CopyBadge, Score } from "../../ui/verdict.tsx";

export function Copies({
  copies,
  winnerId,
  shownId,
  besideId,
  onShow,
  onCompare,
}: {
  readonly copies: readonly PublicCopy[];
  readonly winnerId: string;
  readonly shownId: string | undefined;
  readonly besideId: string | undefined;
  readonly onShow: (id: string) => void;
  /** undefined: none is compared any more */
  readonly onCompare: (id: string | undefined) => void;
}) {
  const scored = copies.filter(({ scoring }) => scoring !== undefined).length;
  return (
    <Section title="Copies">
      {copies.length === 0 ? (
        <Empty>No miner has taken it yet.</Empty>
      ) : (
        <TableFrame label="Copies">
          <table>
            <thead>
              <tr>
                <th scope="col">Miner</th>
                <th scope="col">Verdict</th>
                <th scope="col" class="number">
                  Score
                </th>
                <th scope="col" class="number">
                  Made in
                </th>
                <th scope="col" class="number">
                  Scored in
                </th>
                <th scope="col">Look</th>
                {scored > 1 ? <th scope="col">Beside it</th> : undefined}
              </tr>
            </thead>
            <tbody>
              {copies.map((copy) => (
                <Row
                  key={copy.id}
                  copy={copy}
                  wins={copy.id === winnerId}
                  shown={copy.id === shownId}
                  beside={copy.id === besideId}
                  comparable={scored > 1}
                  onShow={onShow}
                  onCompare={onCompare}
                />
              ))}
            </tbody>
          </table>
        </TableFrame>
      )}
    </Section>
  );
}

function Row({
  copy,
  wins,
  shown,
  beside,
  comparable,
  onShow,
  onCompare,
}: {
  readonly copy: PublicCopy;
  readonly wins: boolean;
  readonly shown: boolean;
  readonly beside: boolean;
  readonly comparable: boolean;
  readonly onShow: (id: string) => void;
  readonly onCompare: (id: string | undefined) => void;
}) {
  const { id, minerHotkey, attempt, state, score, reason, createTime, submitTime, endTime } = copy;
  return (
    <tr class={shown ? "chosen" : undefined}>
      <td>
        <Hotkey hotkey={minerHotkey} />
        {attempt > 1 ? <span class="quiet"> try {attempt}</span> : undefined}
        {wins ? <span class="wins"> wins</span> : undefined}
      </td>
      <td class="reason-cell">
        <CopyBadge state={state} />
        {reason === "" ? undefined : <span class="reason">{reason}</span>}
      </td>
      <td class="number">
        <Score score={score} />
      </td>
      <td class="number">
        {submitTime !== undefined ? (
          between(createTime, submitTime)
        ) : endTime === undefined ? (
          <Took from={createTime} to={undefined} />
        ) : (
          "–"
        )}
      </td>
      <td class="number">
        {submitTime === undefined ? "–" : <Took from={submitTime} to={endTime} />}
      </td>
      <td>
        <button type="button" class="small" aria-pressed={shown} onClick={() => onShow(id)}>
          {shown ? "shown" : "look"}
          <span class="off-screen"> at the copy of {minerHotkey}</span>
        </button>
      </td>
      {comparable ? (
        <td>
          <button
            type="button"
            class="small"
            aria-pressed={beside}
            disabled={shown || copy.scoring === undefined}
            onClick={() => onCompare(beside ? undefined : id)}
          >
            {beside ? "beside" : "compare"}
            <span class="off-screen"> the copy of {minerHotkey} with the one that is shown</span>
          </button>
        </td>
      ) : undefined}
    </tr>
  );
}
