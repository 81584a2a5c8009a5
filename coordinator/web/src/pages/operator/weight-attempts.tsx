/** What was sent to the chain as weights, and what it said. */
import { useState } from "preact/hooks";
import { admin } from "../../api.ts";
import { useCall, useEvery } from "../../data/stream.ts";
import { formatCount } from "../../format.ts";
import { Pager } from "../../ui/pager.tsx";
import { Section, TableFrame } from "../../ui/section.tsx";
import { Empty, Failed, Loading } from "../../ui/states.tsx";
import { Ago } from "../../ui/time.tsx";
import { Badge } from "../../ui/verdict.tsx";
import { weightsTone } from "../../ui/weights-tone.ts";

const pageSize = 10;
const lookMs = 10_000;

export function WeightAttempts() {
  const [tokens, setTokens] = useState<readonly string[]>([]);
  const pageToken = tokens.at(-1) ?? "";
  const { value, error, loading, reload } = useCall(
    (signal) => admin.listWeightAttempts({ pageSize, pageToken }, { signal }),
    `attempts ${pageToken}`,
  );
  useEvery(lookMs, () => pageToken === "" && reload());
  const attempts = value?.attempts ?? [];
  return (
    <Section title="Weights that were sent">
      {loading ? <Loading what="the attempts" /> : undefined}
      {error === undefined ? undefined : <Failed error={error} retry={reload} />}
      {value !== undefined && attempts.length === 0 ? <Empty>None so far.</Empty> : undefined}
      {attempts.length === 0 ? undefined : (
        <TableFrame label="Weights that were sent">
          <table>
            <thead>
              <tr>
                <th scope="col">When</th>
                <th scope="col">The chain said</th>
                <th scope="col" class="number">
                  Miners
                </th>
                <th scope="col" class="number">
                  Block
                </th>
              </tr>
            </thead>
            <tbody>
              {attempts.map(({ time, block, outcome, message, includedBlock, weights }) => (
                <tr key={`${time?.seconds}.${time?.nanos}`}>
                  <td>
                    <Ago time={time} />
                  </td>
                  <td class="reason-cell">
                    <Badge tone={weightsTone(outcome)}>{outcome || "not answered yet"}</Badge>
                    {message === "" ? undefined : <span class="reason">{message}</span>}
                  </td>
                  <td class="number">{formatCount(weights.length)}</td>
                  <td class="number">{formatCount(includedBlock ?? block)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </TableFrame>
      )}
      <Pager what="attempts" tokens={tokens} next={value?.nextPageToken ?? ""} onTurn={setTokens} />
    </Section>
  );
}
