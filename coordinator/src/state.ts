/** What the coordinator keeps, in memory and in its data directory, and the rules that work on it. */
import { randomInt } from "node:crypto";
import { join } from "node:path";
import type { Keypair } from "@turntable/bittensor/keys";
import type { Metrics } from "@turntable/process";
import { createAudits, defaultAudits } from "./audits/index.ts";
import type { CoordinatorOptions } from "./coordinator.ts";
import { createDuelBook } from "./duels/index.ts";
import type { Events } from "./events.ts";
import { observeAudits, observeOpenTasks, observeStorage } from "./gauges.ts";
import { createIntake, defaultLimits } from "./intake.ts";
import { createMiners } from "./miners/index.ts";
import { createReports } from "./reports/index.ts";
import { createRetention, defaultRetention } from "./retention/index.ts";
import { createScorings, defaultScoringLimits, openUploads } from "./scorings/index.ts";
import { createStorageQueue, defaultStorage, targetsOf } from "./storage/index.ts";
import { createDiskSpace, openAssetFiles, openNonceStore, openStore } from "./store/index.ts";
import { createSubmissions, defaultDuplicateLimits } from "./submissions/index.ts";
import { createTasks } from "./tasks/index.ts";

/** Nothing is audited; who was quarantined before is still shut out. */
const noAudits = { share: 0, margin: 0, tolerance: 0, findings: defaultAudits.findings };
/** 0 to 1, below 1; from the system's own source, so that no worker can know what comes. */
const randomShare = (): number => randomInt(2 ** 47) / 2 ** 47;

export interface StateSurroundings {
  readonly events: Events;
  readonly metrics: Metrics;
  /** ms since 1970 UTC */
  readonly now: () => number;
  /** The keys of all axons' validators, by their ss58. */
  readonly validators: ReadonlyMap<string, Keypair>;
}

export type CoordinatorState = Awaited<ReturnType<typeof openState>>;

/**
 * Opens the data directory. Disposing what it gives closes everything in reverse order.
 * @throws StoreError when the data directory cannot be used
 */
export async function openState(
  options: CoordinatorOptions,
  { events, metrics, now, validators }: StateSurroundings,
) {
  const { rules, hotkey, limits, duplicates = defaultDuplicateLimits } = options;
  await using stack = new AsyncDisposableStack();
  const store = stack.use(openStore(options.dataDir));
  const { leadership } = options;
  if (leadership !== undefined) {
    stack.use(leadership.follow(store)); // before anything is written
  }
  const files = await openAssetFiles(join(options.dataDir, "assets"));
  const shared = leadership?.share(files);
  const assets = shared ?? files;
  const miners = createMiners(store, rules);
  const tasks = stack.use(
    createTasks({
      ...{ store, startedAt: now(), ...rules },
      maxOpenTasks: limits.openTasks,
      maxOpenTasksOfClient: limits.openTasksOfClient,
      onUnreadable: (error) => events.trouble("a task cannot be read, and is left out", error),
      onSilence(assignment, at) {
        miners.countSilence(assignment.hotkey, at);
        store.afterCommit(() => events.lost(assignment, "silence"));
      },
    }),
  );
  tasks.boundDeadlines(now());
  miners.boundCooldowns(now());
  const reports = createReports(store, hotkey, validators);
  const duelBook = rules.duels.perHour > 0 ? createDuelBook(store, rules) : undefined;
  const { storage = defaultStorage } = options;
  const storageQueue = createStorageQueue(
    store,
    targetsOf(storage),
    storage.queue,
    (target, id, reason) => events.storage({ kind: "not-queued", target, id, reason }),
  );
  const submissions = createSubmissions({
    ...{ store, assets, tasks, miners, reports, rules, duplicates },
    onJudged: (id, result, at) => audits.choose(id, result, at),
    onAccepted(accepted, at) {
      const { id, assetSha256, assetSizeBytes: sizeBytes } = accepted;
      duelBook?.enter(accepted, at);
      storageQueue.add({ id, assetSha256, sizeBytes }, at);
    },
  });
  const audits = createAudits({
    ...{ store, ...(options.audits ?? noAudits), random: randomShare, onEvent: events.audit },
    ...{ acceptance: rules.acceptance, windowMs: rules.windowMs },
    submissionOf: submissions.get,
    submissionJob: submissions.job,
    replaceScore: submissions.replaceScore,
  });
  observeAudits(metrics, audits);
  const scorings = stack.use(
    createScorings({
      ...{ store, assets, reports, rules, onTrouble: events.trouble },
      onEnded: events.scoringEnded,
      uploads: await openUploads(join(options.dataDir, "uploads")),
      limits: { ...defaultScoringLimits, assetBytes: limits.submissionBytes },
      isAssetOfOthers: submissions.keepsAsset,
    }),
  );
  const keepsAsset = (sha256: string): boolean =>
    submissions.keepsAsset(sha256) || scorings.keepsAsset(sha256);
  if (shared !== undefined) {
    stack.use(shared.mirror(keepsAsset));
  }
  const retention = stack.use(
    createRetention({
      ...{ store, assets, keepsAsset, windowMs: rules.windowMs },
      duplicateWindowMs: duplicates.windowMs,
      limits: options.retention ?? defaultRetention,
    }),
  );
  const intakeLimits = { ...defaultLimits, ...limits };
  const { reserveBytes } = intakeLimits;
  const space = createDiskSpace({ directory: options.dataDir, reserveBytes });
  await space.check();
  const { countPending } = submissions;
  const intake = createIntake({
    ...{ limits: intakeLimits, space, countPending, onRefusal: events.intakeRefused },
  });
  observeOpenTasks(metrics, tasks.countOpen);
  observeStorage(metrics, retention);

  const nonces = stack.use(openNonceStore(options.dataDir, now));

  const running = stack.move();
  return {
    ...{ store, assets, miners, tasks, reports, submissions, audits, scorings, duelBook },
    ...{ storageQueue, retention, space, intake, nonces },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
