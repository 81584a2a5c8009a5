/** Who earns. */
import type { LeaderBoard, PublicMiner } from "@turntable/proto";
import { useState } from "preact/hooks";
import { formatCount, formatPercent, formatReward, formatScore } from "../../format.ts";
import { Cooldown } from "../../ui/cooldown.tsx";
import { Meter } from "../../ui/meter.tsx";
import { Hotkey } from "../../ui/names.tsx";
import { Section, TableFrame } from "../../ui/section.tsx";
import { Empty } from "../../ui/states.tsx";

const shownAtFirst = 10;

export function Leaders({ leaders }: { readonly leaders: LeaderBoard | undefined }) {
  const [all, setAll] = useState(false);
  const [wanted, setWanted] = useState("");
  const miners = leaders?.miners ?? [];
  const found = miners.filter(({ hotkey, uid }) => matches(wanted, hotkey, uid));
  const shown = all || wanted !== "" ? found : found.slice(0, shownAtFirst);
  const most = Math.max(...miners.map(({ reward }) => reward), 0);
  const rated = miners.some(({ duelRating }) => duelRating > 0);
  return (
    <Section
      title="Miners by reward"
      aside={
        miners.length > shownAtFirst ? (
          <input
            type="search"
            class="small"
            placeholder="hotkey or uid"
            aria-label="Find a miner by hotkey or uid"
            value={wanted}
            onInput={({ currentTarget }) => setWanted(currentTarget.value.trim())}
          />
        ) : undefined
      }
    >
      {miners.length === 0 ? (
        <Empty>
          No registered miner has had a verdict yet. {formatCount(leaders?.registered ?? 0)} are
          registered.
        </Empty>
      ) : (
        <TableFrame label="Miners by reward">
          <table>
            <thead>
              <tr>
                <th scope="col" class="number">
                  #
                </th>
                <th scope="col">Miner</th>
                <th scope="col">Reward</th>
                <th scope="col" class="number">
                  Weight
                </th>
                <th scope="col" class="number">
                  Accepted
                </th>
                <th scope="col" class="number">
                  Average
                </th>
                {rated ? (
                  <th scope="col" class="number">
                    Rating
                  </th>
                ) : undefined}
                <th scope="col" class="number">
                  Next task
                </th>
              </tr>
            </thead>
            <tbody>
              {shown.map((miner) => (
                <Row key={miner.hotkey} miner={miner} most={most} rated={rated} />
              ))}
            </tbody>
          </table>
          {shown.length === 0 ? <Empty>No miner's hotkey or uid begins so.</Empty> : undefined}
        </TableFrame>
      )}
      {miners.length > shownAtFirst && wanted === "" ? (
        <p class="foot">
          <button type="button" class="link" onClick={() => setAll(!all)}>
            {all ? `Only the first ${shownAtFirst}` : `All ${formatCount(miners.length)}`}
          </button>
        </p>
      ) : undefined}
    </Section>
  );
}

function matches(wanted: string, hotkey: string, uid: number | undefined): boolean {
  return hotkey.toLowerCase().startsWith(wanted.toLowerCase()) || String(uid) === wanted;
}

function Row({
  miner,
  most,
  rated,
}: {
  readonly miner: PublicMiner;
  readonly most: number;
  readonly rated: boolean;
}) {
  const { hotkey, uid, rank, reward, weightShare, observations, scored } = miner;
  return (
    <tr>
      <td class="number quiet">{rank ?? "–"}</td>
      <td>
        <Hotkey hotkey={hotkey} />
        {uid === undefined ? undefined : <span class="quiet"> uid {uid}</span>}
      </td>
      <td>
        <Meter share={most === 0 ? 0 : reward / most} text={formatReward(reward)} />
      </td>
      <td class="number">{weightShare === 0 ? "–" : formatPercent(weightShare)}</td>
      <td class="number" title={`${observations} of ${scored} scored results`}>
        {scored === 0 ? "–" : formatPercent(observations / scored)}
        <span class="quiet"> of {formatCount(scored)}</span>
      </td>
      <td class="number">{formatScore(miner.averageFidelity)}</td>
      {rated ? <td class="number">{formatCount(miner.duelRating)}</td> : undefined}
      <td class="number">
        <Cooldown until={miner.cooldownEndTime} />
      </td>
    </tr>
  );
}
