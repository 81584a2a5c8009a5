/** SubnetService on the coordinator's rules: real tasks, submissions and reports, workers in the test's hands. */
import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { create } from "@bufbuild/protobuf";
import { isSs58, keypairFromUri, verifySignature } from "@turntable/bittensor/keys";
import { startHttpServer } from "@turntable/process";
import { canonicalReport, RenderScoreResultSchema, ScoreReportSchema } from "@turntable/proto";
import {
  type ApiCallEvent,
  attachWeb,
  offerSubnet,
  type SubnetServiceOptions,
} from "../src/api/index.ts";
import { historyOf, pointsOf, scoresOf, verdictCountsOf } from "../src/miners/index.ts";
import { createOverview, leaderOf, type OverviewSources } from "../src/overview/index.ts";
import { meanWaits, oldestWaiting } from "../src/submissions/index.ts";
import { createSharesReader } from "../src/weights/index.ts";
import { createWorkers } from "../src/workers.ts";
import { openApi } from "./api.ts";
import { openRules, rules, validator } from "./rules.ts";
import { openTransports } from "./transports.ts";

export const [alice, bob] = ["//Alice", "//Bob"].map((uri) => keypairFromUri(uri).ss58) as [
  string,
  string,
];
/** The views of each report; the second one is the worst. */
const probabilities = [0.9, 0.4, 0.8];
const elevations = [-10, 5, 17];

export interface SubnetChange extends Partial<Omit<SubnetServiceOptions, "overview">> {
  readonly sources?: Partial<OverviewSources>;
}

/** @param change of the service's own options, and of what it looks at */
export async function openSubnet({ sources, ...change }: SubnetChange = {}) {
  const opened = await openRules();
  const { store, tasks, submissions, reports, assets, miners } = opened;
  let nowMs = 1_700_000_000_000;
  const now = (): number => nowMs;
  const workers = createWorkers();
  const shares = createSharesReader(store, now);
  const leaders = {
    miners: () => new Set([alice, bob]),
    standingOf: miners.get,
    uidOf: (hotkey: string) => (hotkey === alice ? 7 : undefined),
    weights: shares.list,
  };
  const overview = createOverview({
    ...{ ...leaders, tasks, workers },
    oldestWaiting: () => oldestWaiting(store),
    meanWaits: () => meanWaits(store),
    oldestScoring: () => undefined,
    countPending: submissions.countPending,
    pendingLimit: 100,
    queue: {
      depth: async () => ({ organic: 1, scoring: 0, synthetic: 2 }),
      countDeadLetters: async () => 0,
    },
    scores: (at) => scoresOf(store, at),
    validators: () => [],
    dispatch: () => undefined,
    intake: () => ({ kind: "open", reason: "" }),
    disk: () => ({ freeBytes: 3, reserveBytes: 1 }),
    quarantined: () => 0,
    storageAway: () => [],
    chainEveryMs: rules.metagraphSyncMs,
    ...sources,
  });
  const options: SubnetServiceOptions = {
    ...{ overview, rules, startedAt: nowMs, tasks, now },
    submissionOf: submissions.get,
    reportOf: reports.get,
    showClientTasks: false,
    takesTasks: true,
    needsKey: true,
    miners: {
      isHotkey: isSs58,
      isRegistered: (hotkey) => leaders.miners().has(hotkey),
      leader: (hotkey, at) => leaderOf(leaders, overview.leaders(at), hotkey, at),
      points: (hotkey, most) => pointsOf(store, hotkey, most),
      tallies: (hotkey) => verdictCountsOf(store, hotkey),
      verdicts: (hotkey, limit, before, filter) => historyOf(store, hotkey, limit, before, filter),
      weights: shares.list,
    },
    validatorHotkey: validator.ss58,
    verifyReport: (report) =>
      verifySignature(canonicalReport(report), report.signature, report.validatorHotkey),
    readAsset: assets.read,
    maxWatchers: 2,
    callsPerMinute: 10_000,
    onTrouble: assert.fail,
    onCall: () => {},
    ...change,
  };
  /** Hands in and scores, as a worker would. */
  const score = (id: string, value: number): void => {
    const views = probabilities.map((probability, i) => ({
      ...{ azimuthDeg: 120 * i, elevationDeg: elevations[i] ?? 0, probability },
    }));
    const report = create(ScoreReportSchema, {
      ...{ score: value, acceptance: 0.6, views, workerId: "w", splatCount: 9n },
      ...{ cameraSeed: 42n, jobId: id, submissionId: id, assetSha256: new Uint8Array(32).fill(1) },
      model: { name: "clip", demonstration: true },
      renderer: { backend: "cpu", version: "1" },
      timings: { totalMs: 3_000 },
      findings: [{ code: "flat", severity: 1, value: 2, limit: 1, message: "it is flat" }],
    });
    const outcome = { case: "scored", value: report } as const;
    const result = create(RenderScoreResultSchema, {
      ...{ jobId: id, submissionId: id, workerId: "w", outcome },
    });
    workers.seen(result, nowMs);
    submissions.applyResult(result, nowMs);
  };
  return {
    ...{ ...opened, options, overview, workers, score },
    /** Time passes. */
    wait(ms: number): void {
      nowMs += ms;
    },
    /** A synthetic task that this miner has; the id of the copy. */
    synthetic: (hotkey = alice, prompt = "a blue ball") =>
      tasks.assignSynthetic(prompt, hotkey, nowMs),
    /** A client's task, or another copy of one, that this miner hands in, and that gets this score where it is one. */
    async organic(
      value: number | undefined,
      hotkey = alice,
      taskId = opened.ask("a red cube", nowMs),
    ) {
      const { id } = await opened.submit(taskId, hotkey, nowMs);
      if (value !== undefined) {
        score(id, value);
      }
      return { taskId, copyId: id };
    },
    now,
  };
}

/** The same over gRPC and HTTP. */
export async function serveSubnet(change: SubnetChange & { readonly prefix?: string } = {}) {
  await using stack = new AsyncDisposableStack();
  const events: ApiCallEvent[] = [];
  const told = new EventEmitter();
  const opened = stack.use(
    await openSubnet({
      onCall(event) {
        events.push(event);
        told.emit("call");
      },
      ...change,
    }),
  );
  const subnet = offerSubnet(opened.options);
  const api = stack.use(await openApi({ beside: subnet, keyFile: "ann 0123456789abcdef" }));
  const http = stack.use(
    await startHttpServer({
      port: 0,
      routes: (app) => attachWeb(app, [{ methods: subnet.web, corsOrigins: [] }], change.prefix),
    }),
  );
  stack.defer(subnet.endStreams);
  const transports = openTransports(stack, { grpcPort: api.api.port, httpPort: http.port });
  const running = stack.move();
  return {
    ...{ ...opened, events, http, transports, endStreams: subnet.endStreams },
    /** Resolves once so many calls have ended. */
    async eventCount(count: number): Promise<void> {
      while (events.length < count) {
        await once(told, "call");
      }
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
