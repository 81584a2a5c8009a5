/** The verdicts on a miner's work, newest first, by kind where that is wanted. */
import type { PublicVerdict, VerdictCount } from "@turntable/proto";
import { useState } from "preact/hooks";
import { subnet } from "../../api.ts";
import { useCall, useEvery } from "../../data/stream.ts";
import { formatCount, formatReward } from "../../format.ts";
import { pathOf } from "../../router.ts";
import { Pager } from "../../ui/pager.tsx";
import { Section, TableFrame } from "../../ui/section.tsx";
import { Empty, Failed, Loading } from "../../ui/states.tsx";
import { Ago } from "../../ui/time.tsx";
import { KindBadge, Score, wordsOf } from "../../ui/verdict.tsx";

const pageSize = 25;
const lookMs = 5_000;

/** What is filtered by: a verdict with its code, or all. */
interface Kind {
  readonly verdict: string;
  readonly code: string;
}

export function Verdicts({
  hotkey,
  counts,
}: {
  readonly hotkey: string;
  readonly counts: readonly VerdictCount[];
}) {
  const [kind, setKind] = useState<Kind>();
  const [tokens, setTokens] = useState<readonly string[]>([]);
  const pageToken = tokens.at(-1) ?? "";
  const { value, error, loading, reload } = useCall(
    (signal) =>
      subnet.listPublicVerdicts(
        {
          hotkey,
          pageSize,
          pageToken,
          verdicts: kind === undefined ? [] : [kind.verdict],
          codes: kind === undefined || kind.code === "" ? [] : [kind.code],
        },
        { signal },
      ),
    JSON.stringify([hotkey, kind, pageToken]),
  );
  useEvery(lookMs, () => pageToken === "" && reload());
  const choose = (next: Kind | undefined): void => {
    setKind(next);
    setTokens([]);
  };
  return (
    <Section title="Verdicts" wide>
      <fieldset class="chips">
        <legend class="off-screen">Which verdicts</legend>
        <button type="button" aria-pressed={kind === undefined} onClick={() => choose(undefined)}>
          all
        </button>
        {counts.map(({ verdict, code, count }) => (
          <button
            key={`${verdict} ${code}`}
            type="button"
            aria-pressed={kind?.verdict === verdict && kind.code === code}
            onClick={() => choose({ verdict, code })}
          >
            {wordsOf(verdict)}
            {code === "" || code === verdict ? "" : `: ${wordsOf(code)}`}{" "}
            <span class="count">{formatCount(count)}</span>
          </button>
        ))}
      </fieldset>
      {loading ? <Loading what="verdicts" /> : undefined}
      {error === undefined ? undefined : <Failed error={error} retry={reload} />}
      {value === undefined ? undefined : <VerdictTable verdicts={value.verdicts} />}
      <Pager what="verdicts" tokens={tokens} next={value?.nextPageToken ?? ""} onTurn={setTokens} />
    </Section>
  );
}

function VerdictTable({ verdicts }: { readonly verdicts: readonly PublicVerdict[] }) {
  if (verdicts.length === 0) {
    return <Empty>There are none.</Empty>;
  }
  return (
    <TableFrame label="Verdicts">
      <table>
        <thead>
          <tr>
            <th scope="col">Verdict</th>
            <th scope="col">Reason</th>
            <th scope="col" class="number">
              Score
            </th>
            <th scope="col" class="number">
              Fidelity
            </th>
            <th scope="col" class="number">
              Average then
            </th>
            <th scope="col" class="number">
              Reward then
            </th>
            <th scope="col">Task</th>
            <th scope="col" class="number">
              When
            </th>
          </tr>
        </thead>
        <tbody>
          {verdicts.map((verdict) => (
            <Row
              key={`${verdict.time?.seconds}.${verdict.time?.nanos} ${verdict.copyId}`}
              verdict={verdict}
            />
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}

function Row({ verdict: of }: { readonly verdict: PublicVerdict }) {
  const accepted = of.verdict === "accepted";
  const wasScored = accepted || of.verdict === "rejected" || of.verdict === "duplicate";
  return (
    <tr>
      <td>
        <KindBadge kind={of.verdict} />
      </td>
      <td class="reason-cell">{of.reason || (of.code === of.verdict ? "" : wordsOf(of.code))}</td>
      <td class="number">
        <Score score={wasScored ? of.score : undefined} />
      </td>
      <td class="number">
        <Score score={accepted ? of.fidelity : undefined} />
      </td>
      <td class="number">
        <Score score={of.averageFidelity} />
      </td>
      <td class="number">{formatReward(of.reward)}</td>
      <td>
        {of.taskId === "" ? (
          <span class="quiet">not shown</span>
        ) : (
          <a href={pathOf({ page: "task", id: of.taskId })}>task</a>
        )}
      </td>
      <td class="number">
        <Ago time={of.time} />
      </td>
    </tr>
  );
}
