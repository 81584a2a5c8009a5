/** What faces everybody: SubnetService, and the web page that shows it. */
import { isSs58, verifySignature } from "@turntable/bittensor/keys";
import type { HttpApp } from "@turntable/process";
import { canonicalReport } from "@turntable/proto";
import {
  defaultMaxDownloads,
  defaultStalledMs,
  type OfferedSubnet,
  offerSubnet,
} from "./api/index.ts";
import type { AxonPlace } from "./axon/index.ts";
import type { Registrations } from "./chain/index.ts";
import type { CoordinatorOptions } from "./coordinator.ts";
import type { Dispatch } from "./dispatch/index.ts";
import type { Events } from "./events.ts";
import { defaultLimits } from "./intake.ts";
import { historyOf, pointsOf, scoresOf, verdictCountsOf } from "./miners/index.ts";
import { createOverview, type LeaderSources, leaderOf, type Validator } from "./overview/index.ts";
import { attachPage, type PageOptions } from "./page/index.ts";
import type { CoordinatorState } from "./state.ts";
import type { StorageBoard } from "./storage/index.ts";
import { meanWaits, oldestWaiting } from "./submissions/index.ts";
import { createSharesReader, readAttempts, type WeightsBoard } from "./weights/index.ts";
import type { Workers } from "./workers.ts";

export interface PageSettings extends PageOptions {
  /** Whether everybody sees the tasks of clients. */
  readonly showClientTasks: boolean;
  /** Streams of the overview, and as many of tasks, at one time. */
  readonly watchers?: number;
  /** Calls of all callers together; streams count once. */
  readonly callsPerMinute?: number;
}

export interface PageSideParts extends Omit<CoordinatorState, keyof AsyncDisposable> {
  readonly dispatch: Dispatch;
  readonly events: Events;
  readonly registrations: Registrations;
  /** One for each hotkey of ours on a subnet, the first axon's first. */
  readonly places: readonly AxonPlace[];
  readonly workers: Workers;
  readonly weightsBoard: WeightsBoard;
  readonly storageBoard: StorageBoard;
  /** When the process started, ms since 1970 UTC. */
  readonly startedAt: number;
  /** ms since 1970 UTC */
  readonly now: () => number;
}

export interface PageSide {
  readonly subnet: OfferedSubnet;
  /** Attaches the page's files; a path's first owner keeps it. */
  attach(app: HttpApp): void;
}

export const defaultPageLimits = { watchers: 256, callsPerMinute: 1_200 } as const;

export function openPageSide(
  options: CoordinatorOptions,
  page: PageSettings,
  parts: PageSideParts,
): PageSide {
  const { rules, limits, hotkey, grpc, queue } = options;
  const { store, assets, tasks, miners, reports, submissions, scorings } = parts;
  const { registrations, places, workers, now, startedAt, events } = parts;
  const shares = createSharesReader(store, now);
  const leaders: LeaderSources = {
    miners: registrations.miners,
    standingOf: miners.get,
    uidOf(key) {
      for (const { netuid } of places) {
        const uid = registrations.neuron(netuid, key)?.uid;
        if (uid !== undefined) {
          return uid;
        }
      }
      return undefined;
    },
    weights: shares.list,
  };
  const overview = createOverview({
    ...leaders,
    tasks,
    oldestWaiting: () => oldestWaiting(store),
    meanWaits: () => meanWaits(store),
    oldestScoring: () => scorings.pending(0, 1)[0]?.updatedAt.getTime(),
    countPending: () => submissions.countPending() + scorings.countPending(),
    pendingLimit: limits.pendingSubmissions ?? defaultLimits.pendingSubmissions,
    queue: {
      depth: () => queue.depth(),
      countDeadLetters: async () => (await queue.listDeadLetters()).length,
    },
    workers,
    scores: (at) => scoresOf(store, at),
    validators: () => places.map((place) => validatorOf(parts, place)),
    dispatch: parts.dispatch.notReady,
    intake: parts.intake.mode,
    disk: () => ({
      freeBytes: parts.space.freeBytes(),
      reserveBytes: limits.reserveBytes ?? defaultLimits.reserveBytes,
    }),
    quarantined: () => parts.audits.quarantined().length,
    storageAway: parts.storageBoard.away,
    chainEveryMs: rules.metagraphSyncMs,
  });
  const subnet = offerSubnet({
    ...{ overview, rules, startedAt, tasks, now },
    submissionOf: submissions.get,
    reportOf: reports.get,
    showClientTasks: page.showClientTasks,
    takesTasks: grpc !== undefined,
    needsKey: grpc?.keys !== undefined,
    miners: {
      isHotkey: isSs58,
      isRegistered: (key) => registrations.miners().has(key),
      leader: (key, at) => leaderOf(leaders, overview.leaders(at), key, at),
      points: (key, most) => pointsOf(store, key, most),
      tallies: (key) => verdictCountsOf(store, key),
      verdicts: (key, limit, before, filter) => historyOf(store, key, limit, before, filter),
      weights: shares.list,
    },
    validatorHotkey: hotkey.ss58,
    verifyReport: (report) =>
      verifySignature(canonicalReport(report), report.signature, report.validatorHotkey),
    readAsset: assets.read,
    maxDownloads: limits.downloads ?? defaultMaxDownloads,
    stalledMs: limits.stalledStreamMs ?? defaultStalledMs,
    maxWatchers: page.watchers ?? defaultPageLimits.watchers,
    callsPerMinute: page.callsPerMinute ?? defaultPageLimits.callsPerMinute,
    onTrouble: events.trouble,
    onCall: events.apiCall,
    settled: options.leadership?.settled,
  });
  return { subnet, attach: (app) => attachPage(app, page) };
}

function validatorOf(
  { registrations, store, weightsBoard }: PageSideParts,
  { netuid, hotkey: { ss58: hotkey } }: AxonPlace,
): Validator {
  const neuron = registrations.neuron(netuid, hotkey);
  return {
    ...{ netuid, hotkey, neuron },
    block: registrations.block(netuid),
    readMs: registrations.ageMs(netuid),
    news: weightsBoard.of(netuid, hotkey),
    lastAttempt: readAttempts(store).latest(netuid, hotkey, 1)[0],
  };
}
