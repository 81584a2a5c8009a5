/** A miner: where it stands, how it came there, and what would help it. */
import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { GetPublicMinerResponse, RewardPoint, WeightPoint } from "@turntable/proto";
import { subnet } from "../api.ts";
import { Lines, type TimeLine } from "../charts/lines.tsx";
import { useOverview } from "../data/overview.ts";
import { useCall, useEvery } from "../data/stream.ts";
import {
  formatCount,
  formatDuration,
  formatPercent,
  formatReward,
  formatScore,
  shorten,
} from "../format.ts";
import { Cooldown } from "../ui/cooldown.tsx";
import { CopyButton } from "../ui/copy-button.tsx";
import { Figure, Section } from "../ui/section.tsx";
import { Empty, Failed, Loading } from "../ui/states.tsx";
import { useTitle } from "../ui/title.ts";
import { Verdicts } from "./miner/verdicts.tsx";

const lookMs = 5_000;

const rewardLine: TimeLine = {
  name: "Reward",
  colour: "--accent",
  format: formatReward,
  stepped: true,
};
const weightLine: TimeLine = {
  name: "Weight",
  colour: "--good",
  format: formatPercent,
  stepped: true,
};

export function MinerPage({ hotkey }: { readonly hotkey: string }) {
  useTitle(`Miner ${shorten(hotkey)}`);
  const { value, error, loading, reload } = useCall(
    (signal) => subnet.getPublicMiner({ hotkey }, { signal }),
    hotkey,
  );
  useEvery(lookMs, reload);
  return (
    <>
      <header class="page-head">
        <h1>
          Miner <span class="mono hotkey">{hotkey}</span>
        </h1>
        <CopyButton text={hotkey} what="the hotkey" />
      </header>
      {loading ? <Loading what="the miner" /> : undefined}
      {error === undefined ? undefined : <Failed error={error} retry={reload} />}
      {value === undefined ? undefined : <Standing answer={value} hotkey={hotkey} />}
    </>
  );
}

function Standing({
  answer,
  hotkey,
}: {
  readonly answer: GetPublicMinerResponse;
  readonly hotkey: string;
}) {
  const { miner, registered, advice, rewards, weights, verdicts } = answer;
  const { value: overview } = useOverview();
  const windowMs = Number(overview?.facts?.windowMs ?? 0n);
  const scored = miner?.scored ?? 0;
  return (
    <>
      {registered ? undefined : (
        <p class="notice warn">
          It is not registered on a subnet that this coordinator serves: it gets no tasks and no
          weight.
        </p>
      )}
      <dl class="figures">
        <Figure
          name="Rank"
          value={miner?.rank === undefined ? "–" : `#${miner.rank}`}
          note={miner?.uid === undefined ? "no uid" : `uid ${miner.uid}`}
        />
        <Figure
          name="Reward"
          value={formatReward(miner?.reward ?? 0)}
          note="accepted results × average"
        />
        <Figure
          name="Weight"
          value={formatPercent(miner?.weightShare ?? 0)}
          note="of what the chain took last"
        />
        <Figure
          name="Accepted"
          value={formatCount(miner?.observations ?? 0)}
          note={
            scored === 0
              ? "nothing scored"
              : `of ${formatCount(scored)} scored${windowMs > 0 ? ` in ${formatDuration(windowMs)}` : ""}, ${formatPercent((miner?.observations ?? 0) / scored)}`
          }
        />
        <Figure
          name="Average fidelity"
          value={formatScore(miner?.averageFidelity ?? 0)}
          note={
            (miner?.duelRating ?? 0) > 0
              ? `rating ${formatCount(miner?.duelRating ?? 0)}`
              : "moving"
          }
        />
        <Figure
          name="Next task"
          value={<Cooldown until={miner?.cooldownEndTime} />}
          note="end of its cooldown"
        />
      </dl>
      <div class="grid">
        <Section title="What would raise the reward" wide>
          {advice.length === 0 ? (
            <Empty>Nothing that follows from the rules.</Empty>
          ) : (
            <ul class="advice">
              {advice.map(({ code, text, rewardGain }) => (
                <li key={code}>
                  {text}
                  {rewardGain > 0 ? (
                    <span class="good-text"> +{formatReward(rewardGain)}</span>
                  ) : undefined}
                </li>
              ))}
            </ul>
          )}
          <Misdeeds answer={answer} />
        </Section>
        <Section title="Reward over time">
          <RewardChart rewards={rewards} />
        </Section>
        <Section title="Weight over time">
          <WeightChart weights={weights} />
        </Section>
      </div>
      <Verdicts hotkey={hotkey} counts={verdicts} />
    </>
  );
}

/** What it did against the rules, when it did. */
function Misdeeds({ answer }: { readonly answer: GetPublicMinerResponse }) {
  const { cooldownViolations, violations, silences } = answer;
  const all = [
    [cooldownViolations, "pulled during a cooldown"],
    [violations, "submitted for a wrong task or with a wrong signature"],
    [silences, "took a task and said nothing"],
  ] as const;
  const done = all.filter(([count]) => count > 0n);
  return done.length === 0 ? undefined : (
    <ul class="quiet">
      {done.map(([count, words]) => (
        <li key={words}>
          {words} {count === 1n ? "once" : `${formatCount(count)} times`}
        </li>
      ))}
    </ul>
  );
}

function RewardChart({ rewards }: { readonly rewards: readonly RewardPoint[] }) {
  const points = rewards.map(({ time, reward }) => [secondsOf(time), reward] as const);
  return points.length < 2 ? (
    <Empty>There was no verdict yet.</Empty>
  ) : (
    <Lines line={rewardLine} points={points} summary={trend(points, formatReward, "reward")} />
  );
}

function WeightChart({ weights }: { readonly weights: readonly WeightPoint[] }) {
  const points = weights.map(({ time, weightShare }) => [secondsOf(time), weightShare] as const);
  return points.length < 2 ? (
    <Empty>Fewer than two settings of weights so far.</Empty>
  ) : (
    <Lines line={weightLine} points={points} summary={trend(points, formatPercent, "weight")} />
  );
}

function secondsOf(time: RewardPoint["time"]): number {
  return time === undefined ? 0 : timestampDate(time).getTime() / 1_000;
}

function trend(
  points: readonly (readonly [number, number])[],
  format: (value: number) => string,
  what: string,
): string {
  const [from, first] = points[0] ?? [0, 0];
  const [to, last] = points.at(-1) ?? [0, 0];
  return `From a ${what} of ${format(first)} to ${format(last)} within ${formatDuration((to - from) * 1_000)}.`;
}
