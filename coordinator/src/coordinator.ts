/**
 * The composition root: creates every part and passes it down.
 *
 * Readiness means that miners and clients can be served and jobs be dispatched. Once a second everything that depends
 * on time is looked at: deadlines, and submissions that still have to be queued.
 */
import { join } from "node:path";
import type { Chain } from "@turntable/bittensor/chain";
import type { Keypair } from "@turntable/bittensor/keys";
import { verifySubmission } from "@turntable/bittensor/synapse";
import type { JobQueue } from "@turntable/bus";
import { createMetrics, type Logger, startStatusServer } from "@turntable/process";
import type { RenderScoreResult } from "@turntable/proto";
import { type ApiKeys, startApi } from "./api/index.ts";
import { createMinerProtocol, startMinerAxon } from "./axon/index.ts";
import { startDispatch } from "./dispatch/index.ts";
import { createEvents } from "./events.ts";
import { createMiners, type RuleSet } from "./miners/index.ts";
import type { Prompts } from "./prompts/index.ts";
import { createReports } from "./reports/index.ts";
import { openAssetFiles, openNonceStore, openStore } from "./store/index.ts";
import { createSubmissions, type Feedback, type Submission } from "./submissions/index.ts";
import { createTasks } from "./tasks/index.ts";

export interface CoordinatorOptions {
  /** The validator's. */
  readonly hotkey: Keypair;
  readonly chain: Chain;
  readonly netuid: number;
  /** Disposed with the coordinator. */
  readonly queue: JobQueue;
  /** Everything that has to survive is in here. */
  readonly dataDir: string;
  readonly rules: RuleSet;
  /** Of synthetic tasks; undefined when miners shall get none. */
  readonly prompts: Prompts | undefined;
  /** Text that miners of 2025 sign; without it only the form of 2024 is taken. */
  readonly consentText: string | undefined;
  readonly grpc: Listen & { readonly keys: ApiKeys | undefined };
  /** `externalIp` is announced on the chain; without it nothing is. */
  readonly axon: Listen & {
    readonly externalIp?: string | undefined;
    /** Axons beside: of other subnets or hotkeys, with the same tasks, the same rules and one record for each miner. */
    readonly also?: readonly AxonPlace[];
  };
  readonly http: Listen;
  readonly limits: {
    readonly promptChars: number;
    readonly openTasks: number;
    readonly submissionBytes: number;
  };
  readonly logger: Logger;
}

export interface AxonPlace {
  readonly netuid: number;
  /** The validator's on this axon. */
  readonly hotkey: Keypair;
  /** 0 takes a free one. */
  readonly port: number;
}

export interface Listen {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

export interface Coordinator extends AsyncDisposable {
  readonly grpcPort: number;
  readonly axonPort: number;
  /** Of the axons beside, in their order. */
  readonly alsoAxonPorts: readonly number[];
  readonly httpPort: number;
}

const tickMs = 1_000;

export async function startCoordinator(options: CoordinatorOptions): Promise<Coordinator> {
  const { rules, logger, hotkey, limits } = options;
  const now = Date.now;
  await using stack = new AsyncDisposableStack();
  stack.use(options.queue); // also when nothing below gets to start; closing it twice does no harm
  const metrics = createMetrics("turntable-coordinator");
  const events = createEvents(logger, metrics);

  const store = stack.use(openStore(options.dataDir));
  const assets = await openAssetFiles(join(options.dataDir, "assets"));
  const tasks = stack.use(createTasks({ store, maxOpenTasks: limits.openTasks, ...rules }));
  const miners = createMiners(store, rules);
  const also = options.axon.also ?? [];
  const reports = createReports(
    store,
    hotkey,
    new Map(also.map((place) => [place.hotkey.ss58, place.hotkey])),
  );
  const submissions = createSubmissions({ store, assets, tasks, miners, reports, rules });

  const onVerdict = (
    submission: Submission,
    feedback: Feedback,
    by?: Pick<RenderScoreResult, "workerId" | "attempt">,
  ): void =>
    events.verdict({
      submissionId: submission.id,
      hotkey: tasks.assignment(submission.assignmentId)?.hotkey ?? "",
      workerId: by?.workerId,
      attempt: by?.attempt,
      feedback,
      waitedMs: now() - submission.receivedAt,
    });
  const dispatch = stack.use(
    startDispatch({
      queue: options.queue,
      pending: submissions.pending,
      job: submissions.job,
      markDispatched: submissions.markDispatched,
      onResult(result) {
        const applied = submissions.applyResult(result, now());
        const submission = submissions.ofAssignment(result.submissionId);
        const feedback = submission?.feedback;
        if (applied !== "applied" || submission === undefined || feedback === undefined) {
          logger.info({ job_id: result.jobId, outcome: applied }, "result without effect");
          return;
        }
        onVerdict(submission, feedback, result);
      },
      giveUp(submission) {
        const feedback = submissions.fail(submission, "the asset was lost", now());
        if (feedback !== undefined) onVerdict(submission, feedback);
      },
      onTrouble: events.trouble,
      now,
    }),
  );

  const nonces = stack.use(openNonceStore(options.dataDir, now));
  const subnets: Registrations[] = [];
  const validators = new Set([hotkey.ss58, ...also.map((place) => place.hotkey.ss58)]);
  const minersEverywhere = (): ReadonlySet<string> => {
    const registered = subnets.flatMap(({ all }) => Array.from(all()));
    return new Set(registered.filter((known) => !validators.has(known)));
  };
  const openAxon = async ({ netuid, hotkey: validator, port }: AxonPlace): Promise<number> => {
    const registered = stack.use(await followRegistrations(options, netuid));
    subnets.push(registered);
    const axon = stack.use(
      await startMinerAxon({
        hotkey: validator,
        host: options.axon.host,
        port,
        protocol: createMinerProtocol({
          validator: validator.ss58,
          tasks,
          miners,
          submissions,
          rules,
          drawPrompt: () => options.prompts?.draw(),
          verify: (signed) =>
            verifySubmission(
              { ...signed, minerHotkey: signed.hotkey, validatorHotkey: validator.ss58 },
              signed.signature,
              options.consentText,
            ),
          onAssigned: (task, miner) =>
            events.assigned({ taskId: task.id, taskClass: task.class, hotkey: miner }),
          onSubmitted(submission, miner) {
            events.submitted({
              submissionId: submission.id,
              hotkey: miner,
              sizeBytes: submission.assetSizeBytes,
            });
            void dispatch.check();
          },
          now,
        }),
        isRegistered: registered.has,
        hasAssignment: (miner) => tasks.latestAssignment(miner) !== undefined,
        nonces,
        maxSubmissionBytes: limits.submissionBytes,
        onRequest: events.axonRequest,
      }),
    );
    await announceAxon(options, { netuid, hotkey: validator, port: axon.port });
    return axon.port;
  };
  const axonPort = await openAxon({ netuid: options.netuid, hotkey, port: options.axon.port });
  const alsoAxonPorts: number[] = [];
  for (const place of also) alsoAxonPorts.push(await openAxon(place));
  const api = stack.use(
    await startApi({
      ...options.grpc,
      tasks,
      validatorHotkey: hotkey.ss58,
      submissionOf: submissions.ofAssignment,
      reportOf: reports.ofAssignment,
      loadAsset: assets.load,
      maxPromptChars: limits.promptChars,
      onCall: events.apiCall,
      now,
    }),
  );
  metrics.meter
    .createObservableGauge("turntable_open_tasks", { description: "tasks that have not ended" })
    .addCallback((gauge) => {
      for (const [state, count] of Object.entries(tasks.countOpen()))
        gauge.observe(count, { state });
    });
  const http = stack.use(
    await startStatusServer({ ...options.http, metrics, notReady: dispatch.trouble }),
  );

  const tick = (): void => {
    try {
      tasks.expire(now());
      if (rules.failExhausted) tasks.failExhausted(minersEverywhere(), now());
    } catch (error) {
      events.trouble("deadlines could not be applied", error);
    }
    void dispatch.check();
  };
  const timer = setInterval(tick, tickMs);
  stack.defer(() => clearInterval(timer));
  tick();

  const running = stack.move();
  return {
    grpcPort: api.port,
    axonPort,
    alsoAxonPorts,
    httpPort: http.port,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Tells the chain where miners reach the axon. Those who know it already do not need that, so a refusal is a log line. */
async function announceAxon(
  { chain, logger, axon: { externalIp } }: CoordinatorOptions,
  { netuid, hotkey, port }: AxonPlace,
): Promise<void> {
  if (externalIp === undefined) return;
  const address = { ip: externalIp, port };
  const outcome = await chain.serveAxon({ netuid, hotkey, address });
  if (outcome.kind === "included" || outcome.kind === "unchanged") {
    logger.info({ ...address, outcome: outcome.kind }, "axon announced");
  } else logger.error({ ...address, ...outcome }, "the chain did not take the axon's address");
}

interface Registrations extends Disposable {
  readonly has: (hotkey: string) => boolean;
  readonly all: () => ReadonlySet<string>;
}

/** Keeps the set of the subnet's hotkeys in step with the chain; an unreachable chain leaves it as it was. */
async function followRegistrations(
  { chain, rules, logger }: Pick<CoordinatorOptions, "chain" | "rules" | "logger">,
  netuid: number,
): Promise<Registrations> {
  let hotkeys: ReadonlySet<string> = new Set();
  const sync = async (): Promise<void> => {
    const { neurons } = await chain.metagraph(netuid);
    hotkeys = new Set(neurons.map((neuron) => neuron.hotkey));
  };
  await sync();
  const timer = setInterval(() => {
    sync().catch((error: unknown) => {
      logger.warn({ err: error }, "the metagraph could not be read; the last one is used");
    });
  }, rules.metagraphSyncMs);
  return {
    has: (hotkey) => hotkeys.has(hotkey),
    all: () => hotkeys,
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
