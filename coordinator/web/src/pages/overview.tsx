/** How the subnet is doing now. */
import { timestampDate } from "@bufbuild/protobuf/wkt";
import {
  type CoordinatorFacts,
  type Overview,
  type ProblemList,
  ProblemSeverity,
  type QueueState,
  type TaskMinute,
  type TaskRates,
} from "@turntable/proto";
import { ScoreHistogram } from "../charts/score-histogram.tsx";
import { StackedBars } from "../charts/stacked-bars.tsx";
import { useOverview } from "../data/overview.ts";
import { formatClock, formatCount, formatDuration } from "../format.ts";
import { Figure, Section } from "../ui/section.tsx";
import { Failed, Loading } from "../ui/states.tsx";
import { Ago } from "../ui/time.tsx";
import { useTitle } from "../ui/title.ts";
import { Latest } from "./overview/latest.tsx";
import { Leaders } from "./overview/leaders.tsx";
import { Weights } from "./overview/weights.tsx";
import { Workers } from "./overview/workers.tsx";

export function OverviewPage() {
  useTitle(undefined);
  const { value, state, error } = useOverview();
  if (value === undefined) {
    return (
      <>
        <h1 class="off-screen">Overview</h1>
        {state === "refused" ? <Failed error={error} /> : <Loading what="the overview" />}
      </>
    );
  }
  const { facts, tasks, queue, workers, leaders, scores, weights, problems } = value;
  return (
    <>
      <h1 class="off-screen">Overview</h1>
      <Problems problems={problems} />
      <Figures overview={value} />
      <div class="grid">
        <div class="column">
          <Latest facts={facts} tasks={tasks} />
          <Weights weights={weights} />
        </div>
        <div class="column">
          <TasksAMinute tasks={tasks} />
          <Queue queue={queue} />
          <Leaders leaders={leaders} />
          <Section title="Scores">
            <ScoreHistogram
              lastDay={scores?.lastDay ?? []}
              dayBefore={scores?.dayBefore ?? []}
              acceptance={facts?.acceptance ?? 0}
            />
          </Section>
        </div>
        <Workers workers={workers} />
      </div>
    </>
  );
}

const severities: Readonly<Record<ProblemSeverity, readonly [tone: string, word: string]>> = {
  [ProblemSeverity.UNSPECIFIED]: ["idle", "Note"],
  [ProblemSeverity.INFO]: ["idle", "Note"],
  [ProblemSeverity.WARNING]: ["warn", "Warning"],
  [ProblemSeverity.ERROR]: ["bad", "Problem"],
};

function Problems({ problems }: { readonly problems: ProblemList | undefined }) {
  const all = problems?.problems ?? [];
  return (
    <section aria-label="What is wrong now" class="problems" aria-live="polite">
      {all.length === 0 ? (
        <p class="all-well">Nothing is wrong.</p>
      ) : (
        all.map(({ code, severity, text }) => {
          const [tone, word] = severities[severity] ?? severities[ProblemSeverity.UNSPECIFIED];
          return (
            <p key={code} class={`notice ${tone}`}>
              <strong>{word}</strong> {text}
            </p>
          );
        })
      )}
    </section>
  );
}

function Figures({ overview }: { readonly overview: Overview }) {
  const { tasks, leaders, workers, weights, facts } = overview;
  const minutes = tasks?.minutes ?? [];
  const hour = totals(minutes);
  const ended = hour.succeeded + hour.failed;
  const attempt = weights?.validators[0]?.lastAttempt;
  const open = (tasks?.assigned ?? 0) + (tasks?.scoring ?? 0);
  return (
    <dl class="figures">
      <Figure
        name="Tasks in the last hour"
        value={formatCount(ended)}
        note={ended === 0 ? "none ended" : `${formatCount(hour.succeeded)} with a result`}
      />
      <Figure
        name="In work now"
        value={formatCount(open)}
        note={`${formatCount(tasks?.queued ?? 0)} more wait for a miner`}
      />
      <Figure
        name="Miners"
        value={formatCount(leaders?.registered ?? 0)}
        note={`${formatCount(earning(overview))} with a reward`}
      />
      <Figure
        name="Workers"
        value={formatCount(workers?.workers.length ?? 0)}
        note="since the start"
      />
      <Figure
        name="Weights"
        value={attempt === undefined ? "none" : <Ago time={attempt.time} />}
        note={attempt === undefined ? "within a month" : attempt.outcome || "not answered yet"}
      />
      <Figure name="Rules" value={facts?.rules ?? ""} note={rulesNote(facts)} />
    </dl>
  );
}

function rulesNote(facts: CoordinatorFacts | undefined): string {
  return facts === undefined
    ? ""
    : `accepted from ${facts.acceptance}, counts for ${formatDuration(Number(facts.windowMs))}`;
}

function earning({ leaders }: Overview): number {
  return leaders?.miners.filter(({ reward }) => reward > 0).length ?? 0;
}

interface Totals {
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
}

function totals(minutes: readonly TaskMinute[]): Totals {
  const sum = (of: (minute: TaskMinute) => number): number =>
    minutes.reduce((total, minute) => total + of(minute), 0);
  return {
    succeeded: sum((minute) => minute.organicSucceeded + minute.syntheticSucceeded),
    failed: sum((minute) => minute.organicFailed + minute.syntheticFailed),
    cancelled: sum((minute) => minute.organicCancelled),
  };
}

const outcomes = [
  { name: "clients', with a result", tone: "good" },
  { name: "synthetic, with a result", tone: "good-soft" },
  { name: "without one", tone: "bad" },
  { name: "cancelled", tone: "idle" },
] as const;

function TasksAMinute({ tasks }: { readonly tasks: TaskRates | undefined }) {
  const minutes = tasks?.minutes ?? [];
  const { succeeded, failed, cancelled } = totals(minutes);
  const busiest = Math.max(
    0,
    ...minutes.map((minute) => {
      const of = totals([minute]);
      return of.succeeded + of.failed + of.cancelled;
    }),
  );
  return (
    <Section title="Tasks a minute">
      <StackedBars
        series={outcomes}
        columns={minutes.map((minute) => ({
          name: minute.startTime === undefined ? "" : formatClock(timestampDate(minute.startTime)),
          values: [
            minute.organicSucceeded,
            minute.syntheticSucceeded,
            minute.organicFailed + minute.syntheticFailed,
            minute.organicCancelled,
          ],
        }))}
        ends={["an hour ago", "now"]}
        summary={`Within the hour ${formatCount(succeeded)} with a result, ${formatCount(failed)} without, ${formatCount(cancelled)} cancelled; ${formatCount(busiest)} in the busiest minute.`}
      />
    </Section>
  );
}

const classWords: ReadonlyMap<string, string> = new Map([
  ["organic", "clients' tasks"],
  ["scoring", "clients' own assets"],
  ["synthetic", "synthetic tasks"],
]);

function Queue({ queue }: { readonly queue: QueueState | undefined }) {
  const wait = queue?.oldestTaskWaitMs ?? 0;
  return (
    <Section
      title="Waiting for a score"
      aside={wait > 0 ? `a client has waited ${formatDuration(wait)} for a miner` : undefined}
    >
      {queue?.reachable === false ? (
        <p class="notice bad">The job queue does not answer: how many jobs wait is not known.</p>
      ) : undefined}
      <table>
        <thead>
          <tr>
            <th scope="col">Class</th>
            <th scope="col" class="number">
              Jobs
            </th>
            <th scope="col" class="number">
              Oldest waits
            </th>
            <th scope="col" class="number">
              On average
            </th>
          </tr>
        </thead>
        <tbody>
          {(queue?.classes ?? []).map(({ jobClass, jobs, oldestWaitMs, meanWaitMs }) => (
            <tr key={jobClass}>
              <th scope="row">{classWords.get(jobClass) ?? jobClass}</th>
              <td class="number">{formatCount(jobs)}</td>
              <td class="number">{oldestWaitMs > 0 ? formatDuration(oldestWaitMs) : "–"}</td>
              <td class="number">{meanWaitMs > 0 ? formatDuration(meanWaitMs) : "–"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Section>
  );
}
