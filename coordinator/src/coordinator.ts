/**
 * The composition root: creates every part and passes it down. There is no rule in here; what a part does is said in
 * its own folder.
 *
 * Readiness means that miners and clients can be served, jobs be dispatched and results be applied.
 */
import type { AxonLimits } from "@turntable/bittensor/axon";
import type { Keypair } from "@turntable/bittensor/keys";
import type { JobQueue } from "@turntable/bus";
import { createMetrics, type Logger, startStatusServer, type TlsFiles } from "@turntable/process";
import { attachWeb, drainMs, maxWebBodyBytes, webSpan } from "./api/index.ts";
import { type AuditOptions, type OpenAudit, startQuarantine } from "./audits/index.ts";
import { type AxonPlace, openAxons } from "./axon/index.ts";
import { type CoordinatorChain, followRegistrations, startAnnouncing } from "./chain/index.ts";
import { openClientSide } from "./client-side.ts";
import { createClock } from "./clock.ts";
import { startClockwork } from "./clockwork.ts";
import { type Dispatch, startDispatch } from "./dispatch/index.ts";
import { createJudge, type JudgeOptions, startDuels } from "./duels/index.ts";
import { createEvents, type Events } from "./events.ts";
import { observePrompts, observeStorageQueue } from "./gauges.ts";
import { defaultLimits, type IntakeLimits } from "./intake.ts";
import type { FileKey } from "./keys/index.ts";
import { historyOf } from "./miners/index.ts";
import { openPageSide, type PageSettings } from "./page-side.ts";
import { type PromptOptions, type Prompts, startPrompts } from "./prompts/index.ts";
import type { RetentionLimits } from "./retention/index.ts";
import type { RuleSet } from "./rules/index.ts";
import type { PendingScoring } from "./scorings/index.ts";
import { type Leadership, observeStandby } from "./standby/index.ts";
import { type CoordinatorState, openState } from "./state.ts";
import { observeHealth, type StatusSources, startStatus, takeStatus } from "./status/index.ts";
import { createStorageBoard, openStorage, type StorageOptions } from "./storage/index.ts";
import { createKnownHotkeys } from "./store/index.ts";
import { type DuplicateLimits, oldestWaiting, type Submission } from "./submissions/index.ts";
import {
  createAttempts,
  createWeightsBoard,
  startWeights,
  type WeightsBoard,
} from "./weights/index.ts";
import { createWorkers } from "./workers.ts";

export type { AuditOptions } from "./audits/index.ts";
export type { AxonPlace } from "./axon/index.ts";

export interface CoordinatorOptions {
  /** The validator's hotkey on the first axon; it vouches for reports. */
  readonly hotkey: Keypair;
  /** Not disposed by the coordinator. */
  readonly chain: CoordinatorChain;
  /** The first axon's subnet. */
  readonly netuid: number;
  /** The coordinator's from here on: disposed with it, and when it fails to start. */
  readonly queue: JobQueue;
  /** Everything that has to survive is in here. */
  readonly dataDir: string;
  readonly rules: RuleSet;
  /** What synthetic tasks ask for; undefined when miners shall get none. */
  readonly prompts: PromptOptions | undefined;
  /** Text that miners of 2025 sign; without it only the form of 2024 is taken. */
  readonly consentText: string | undefined;
  /** The public API; undefined keeps it off. */
  readonly grpc:
    | (GrpcListen & {
        /** Keys of a file, beside those that the data directory has; undefined lets everybody call. */
        readonly keys: readonly FileKey[] | undefined;
        /** Hotkeys (ss58) that may call by their signature, and those with so much stake; none when absent. */
        readonly wallets?: {
          readonly hotkeys: readonly string[];
          readonly leastStakeTao?: number | undefined;
        };
        /** Origins of pages that may call it over HTTP; none when absent. */
        readonly corsOrigins?: readonly string[];
      })
    | undefined;
  /** AdminService; undefined keeps it off. */
  readonly admin?:
    | (GrpcListen & {
        /** Whoever reaches the port may call, without a key: for a subnet on a laptop. */
        readonly anonymous?: boolean;
      })
    | undefined;
  /** AdminService on the HTTP port, too, for keys with the scope admin and nobody else. */
  readonly adminWeb?: boolean;
  /** SubnetService and the web page, for everybody, on the HTTP port; off when absent. */
  readonly page?: PageSettings | undefined;
  /** The first axon, and where the others listen, too. */
  readonly axon: Listen & {
    /** Announced on the chain; without it nothing is. */
    readonly externalIp?: string | undefined;
    /** Announced instead of the first axon's port. */
    readonly externalPort?: number | undefined;
    /** More axons, of other subnets or hotkeys, with the same tasks, the same rules and one record for each miner. */
    readonly extra?: readonly AxonPlace[];
    /** Hotkeys (ss58) that may use the subnet's public API of 2024; nobody when absent. */
    readonly clients?: readonly string[];
  };
  readonly http: Listen & Pick<GrpcListen, "tls">;
  readonly limits: {
    /** Longest prompt, in characters (code points). */
    readonly promptChars: number;
    /** Organic tasks that have not ended. */
    readonly openTasks: number;
    /** Those of one client; as many as of all when absent. */
    readonly openTasksOfClient?: number | undefined;
    /** Largest body of SubmitResults, in bytes. */
    readonly submissionBytes: number;
    /** Tries at queueing a submission for scoring, before it ends as a fault of ours; 8 when absent. */
    readonly dispatchTries?: number | undefined;
    /** Downloads of one client of the API at one time. */
    readonly downloads?: number;
    /** A stream of the API whose caller takes nothing for so long is ended; ms. */
    readonly stalledStreamMs?: number;
  } & Partial<AxonLimits & IntakeLimits>;
  readonly duplicates?: DuplicateLimits;
  /** Which verdicts a second worker looks at again; none when absent. */
  readonly audits?: AuditOptions;
  /** Who judges duels, where the rules have them; without it they wait. */
  readonly judge?: JudgeOptions | undefined;
  /** Without it the default. */
  readonly retention?: RetentionLimits;
  /** Places outside that accepted assets go to, too; none when absent. */
  readonly storage?: StorageOptions;
  /** Where others stand by for this coordinator. Not disposed by it, and to be after it. */
  readonly leadership?: Leadership | undefined;
  readonly logger: Logger;
}

export interface Listen {
  /** Interface to listen on. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

export interface GrpcListen extends Listen {
  /** Certificate and key; without them everything travels in the clear. */
  readonly tls?: TlsFiles | undefined;
  /** A connection is asked to end after so long, and watches go on over the next one; ms. */
  readonly maxConnectionAgeMs?: number;
}

export interface Coordinator extends AsyncDisposable {
  /** Undefined when the public API is off. */
  readonly grpcPort: number | undefined;
  /** Undefined when the admin port is off. */
  readonly adminPort: number | undefined;
  readonly axonPort: number;
  /** The extra axons in the order asked for, each with the port that it has. */
  readonly extraAxons: readonly AxonPlace[];
  readonly httpPort: number;
  /** Pending while it can do its work; rejects when it never can again, and has to be started anew. */
  readonly ended: Promise<void>;
}

/**
 * Starts a coordinator. Disposing it stops taking, finishes what is in work, and closes everything in reverse order.
 * @throws StoreError when the data directory cannot be used; whatever a port or the chain throws
 */
export async function startCoordinator(options: CoordinatorOptions): Promise<Coordinator> {
  const { rules, logger, hotkey, limits, queue, netuid, leadership } = options;
  const places = [{ netuid, hotkey, port: options.axon.port }, ...(options.axon.extra ?? [])];
  await using stack = new AsyncDisposableStack();
  stack.use(queue); // first: everything that uses it is disposed before it
  const metrics = createMetrics("turntable-coordinator");
  const events = createEvents(logger, metrics);
  if (leadership !== undefined) {
    observeStandby(metrics, leadership.view);
  }
  const now = createClock({ onStep: events.clockSet });

  const validators = new Map(places.map((place) => [place.hotkey.ss58, place.hotkey]));
  const state = stack.use(await openState(options, { events, metrics, now, validators }));
  const { miners, tasks, submissions, scorings, audits, space } = state;

  const workers = createWorkers();
  const quarantine = stack.use(startQuarantine({ queue, audits, onTrouble: events.trouble }));
  void quarantine.runNow();
  const dispatch = stack.use(
    startDispatch<Submission | PendingScoring | OpenAudit>({
      ...{ queue, now, onTrouble: events.trouble, onMended: events.jobsQueuedAgain },
      settled: leadership?.settled,
      pending: [submissions.pending, scorings.pending, audits.pending],
      stillPending: (id) =>
        submissions.stillPending(id) ?? scorings.stillPending(id) ?? audits.stillPending(id),
      async job(item) {
        const job = await ("validator" in item
          ? submissions.job(item)
          : "opinions" in item
            ? audits.job(item)
            : scorings.job(item));
        const excludedWorkerIds = [...(job?.excludedWorkerIds ?? []), ...audits.shutOut()];
        return job && { ...job, excludedWorkerIds };
      },
      markDispatched(id, dispatched) {
        for (const { markDispatched } of [submissions, scorings, audits]) {
          markDispatched(id, dispatched);
        }
      },
      onResult(result) {
        workers.seen(result, now());
        if (audits.isQuarantined(result.workerId)) {
          for (const { discard } of [submissions, scorings, audits]) {
            discard(result);
          }
          return;
        }
        if (audits.applyResult(result, now())) {
          void quarantine.runNow();
          return;
        }
        const applied = scorings.applyResult(result, now());
        if (applied === "unknown") {
          events.result(result, submissions.applyResult(result, now()), now());
        } else if (applied === "repeated") {
          events.result(result, { kind: applied }, now());
        }
      },
      fail(item, reason) {
        if ("validator" in item) {
          events.ended(submissions.fail(item.id, reason, now()), now());
        } else if ("opinions" in item) {
          audits.fail(item.id, now());
        } else {
          scorings.fail(item.id, reason, now());
        }
      },
      maxTries: limits.dispatchTries,
    }),
  );

  const prompts =
    options.prompts === undefined
      ? undefined
      : stack.use(
          startPrompts({
            ...options.prompts,
            ...{ store: state.store, hotkey, now },
            maxChars: limits.promptChars,
            windowMs: rules.windowMs,
            lent: tasks,
            onEvent: events.prompts,
            onTrouble: events.trouble,
          }),
        );
  if (prompts !== undefined) {
    observePrompts(metrics, prompts.count);
  }
  const weightsBoard = createWeightsBoard();
  const subnet = stack.use(
    await openSubnetSide(options, {
      ...{ ...state, prompts, dispatch, events, now, places, validators, weightsBoard },
    }),
  );
  const { registrations, axons } = subnet;
  const statusSources: StatusSources = {
    rules: rules.name,
    leads: leadership?.view,
    notReady: () => leadership?.notReady() ?? dispatch.notReady(),
    validators: () =>
      distinctPlaces(places).map((place) => ({
        netuid: place.netuid,
        hotkey: place.hotkey.ss58,
        block: registrations.block(place.netuid),
        neuron: registrations.neuron(place.netuid, place.hotkey.ss58) ?? null,
      })),
    queueDepth: () => queue.depth(),
    deadLetters: () => queue.countDeadLetters(),
    workers: workers.count,
    openTasks: tasks.countOpen,
    miners: registrations.miners,
    standingOf: miners.get,
  };
  const startedAt = now();
  const storageBoard = createStorageBoard();
  const shared = { ...state, dispatch, events, registrations, workers, now };
  const page =
    options.page &&
    openPageSide(options, options.page, {
      ...{ ...shared, weightsBoard, storageBoard, startedAt },
      places: distinctPlaces(places),
    });
  const clients = stack.use(
    await openClientSide(options, {
      ...{ ...shared, prompts, subnet: page?.subnet },
      places: distinctPlaces(places),
      status: () => takeStatus(statusSources, startedAt, now()),
    }),
  );
  stack.use(
    startStatus({
      ...{ directory: options.dataDir, now },
      sources: statusSources,
      onStatus: observeHealth(metrics, {
        oldestWaiting: () => oldestWaiting(state.store),
        oldestScoring: () => scorings.pending(0, 1)[0]?.updatedAt.getTime(),
        freeBytes: space.freeBytes,
        reserveBytes: limits.reserveBytes ?? defaultLimits.reserveBytes,
        now,
      }),
      onMinute: events.minute,
      onTrouble: events.trouble,
    }),
  );
  if (state.duelBook !== undefined && options.judge !== undefined) {
    stack.use(
      startDuels({
        ...{ book: state.duelBook, judge: createJudge(options.judge), now },
        perHour: rules.duels.perHour,
        onEvent: events.duel,
        onTrouble: events.trouble,
      }),
    );
  }
  const prefix = options.page?.path.replace(/\/$/, "");
  const http = stack.use(
    await startStatusServer({
      ...options.http,
      tls: options.http.tls && { ...options.http.tls, onTrouble: events.trouble },
      metrics,
      notReady: () => leadership?.notReady() ?? dispatch.notReady() ?? space.lack(),
      ...(clients.web.length === 0
        ? {}
        : {
            ...{ drainMs, maxBodyBytes: maxWebBodyBytes, spanOf: webSpan(clients.web, prefix) },
            routes(app) {
              attachWeb(app, clients.web, prefix);
              page?.attach(app);
            },
          }),
    }),
  );
  stack.defer(clients.endStreams);
  const { storage } = options;
  if (storage !== undefined) {
    observeStorageQueue(metrics, storage, state.storageQueue);
    stack.use(
      await openStorage(storage, {
        ...{ queue: state.storageQueue, chain: options.chain, hotkey, now },
        async load(id) {
          const submission = submissions.get(id);
          const assignment = tasks.assignment(id);
          const task = assignment === undefined ? undefined : tasks.get(assignment.taskId);
          if (submission === undefined || assignment === undefined || task === undefined) {
            return undefined;
          }
          const bytes = await state.assets.load(submission.assetSha256);
          return bytes && { submission, prompt: task.prompt, miner: assignment.hotkey, bytes };
        },
        onEvent(event) {
          storageBoard.seen(event);
          events.storage(event);
        },
        onTrouble: events.trouble,
      }),
    );
  }
  stack.use(
    await startClockwork({ ...state, dispatch, events, now, miners: registrations.miners }),
  );
  void dispatch.check(); // a queue that is away, or a long backlog, does not hold up the start

  const running = stack.move();
  const [first, ...extraAxons] = axons.places;
  return {
    grpcPort: clients.grpcPort,
    adminPort: clients.adminPort,
    axonPort: first?.port ?? options.axon.port,
    extraAxons,
    httpPort: http.port,
    ended:
      leadership === undefined ? dispatch.ended : Promise.race([dispatch.ended, leadership.ended]),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

interface SubnetSideParts extends Omit<CoordinatorState, keyof AsyncDisposable> {
  readonly prompts: Prompts | undefined;
  readonly dispatch: Dispatch;
  readonly events: Events;
  readonly now: () => number;
  readonly places: readonly AxonPlace[];
  readonly validators: ReadonlyMap<string, Keypair>;
  readonly weightsBoard: WeightsBoard;
}

/** What faces the subnet: who is registered, the axons, their addresses on the chain, and the weights. */
async function openSubnetSide(options: CoordinatorOptions, parts: SubnetSideParts) {
  const { rules, limits, chain, leadership } = options;
  const settled = leadership?.settled;
  const { store, assets, miners, tasks, submissions, retention, intake, nonces } = parts;
  const { dispatch, events, now, places, validators } = parts;
  await using stack = new AsyncDisposableStack();
  const registrations = stack.use(
    await followRegistrations({
      chain,
      netuids: places.map((place) => place.netuid),
      validators: [...validators.keys()],
      strongCount: rules.strong.count,
      everyMs: rules.metagraphSyncMs,
      memory: createKnownHotkeys(store),
      onTrouble: events.trouble,
      onRead(isRegistered) {
        for (const assignment of tasks.release(isRegistered, now())) {
          events.lost(assignment, "unregistered");
        }
      },
    }),
  );
  const attempts = createAttempts(store);
  const axons = stack.use(
    await openAxons({
      ...{ places, tasks, miners, submissions, rules, nonces, now },
      settled: settled ?? (() => Promise.resolve()),
      host: options.axon.host,
      consentText: options.consentText,
      maxSubmissionBytes: limits.submissionBytes,
      ...intake,
      isRegistered: registrations.has,
      isStrong: registrations.isStrong,
      stakeOf: (subnet, key) => registrations.neuron(subnet, key)?.stakeTao ?? 0,
      clients: options.axon.clients ?? [],
      historyOf: (miner, limit, before) => historyOf(store, miner, limit, before),
      weightAfter: ({ netuid, hotkey }, miner, at) =>
        attempts.weightAfter(netuid, hotkey.ss58, miner, at),
      maxPromptChars: limits.promptChars,
      async loadResult({ bestAssignment }) {
        const best = bestAssignment === undefined ? undefined : submissions.get(bestAssignment);
        return best === undefined ? undefined : await assets.load(best.assetSha256);
      },
      drawPrompt: (key) => parts.prompts?.draw(key),
      onAssigned: events.assigned,
      onSubmitted(submission, miner) {
        events.submitted(submission, miner);
        retention.added(submission.assetSizeBytes);
        const { feedback } = submission;
        if (feedback === undefined) {
          return;
        }
        events.ended({ kind: "applied", submission, hotkey: miner, feedback }, now());
      },
      async isQueued({ feedback }) {
        if (feedback !== undefined) {
          return true;
        }
        await dispatch.check();
        return dispatch.notReady() === undefined;
      },
      limits,
      onRequest: events.axonRequest,
      onRefused: events.axonRefused,
    }),
  );
  stack.use(
    await startAnnouncing({
      ...{ chain, places: axons.places, outside: options.axon, now, settled },
      neuronOf: registrations.neuron,
      onAnnounced: events.axonAnnounced,
      onTrouble: events.trouble,
    }),
  );
  for (const place of distinctPlaces(places)) {
    stack.use(
      startWeights({
        ...{ place, chain, rules, attempts, now, settled },
        rewardsOf: (hotkeys, at) =>
          new Map(hotkeys.map((key) => [key, miners.get(key, at).reward])),
        onEvent(event) {
          parts.weightsBoard.seen(event);
          events.weights(event);
        },
        onTrouble: events.trouble,
      }),
    );
  }
  const running = stack.move();
  return { registrations, axons, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** One place for all axons of a hotkey on a subnet, since a hotkey has one set of weights there. */
function distinctPlaces(places: readonly AxonPlace[]): readonly AxonPlace[] {
  return [
    ...new Map(places.map((place) => [`${place.netuid} ${place.hotkey.ss58}`, place])).values(),
  ];
}
