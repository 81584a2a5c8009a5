/** What faces clients and operators: the public API, and the admin port. */
import { isSs58 } from "@turntable/bittensor/keys";
import {
  type AdminOptions,
  createAccess,
  defaultMaxDownloads,
  defaultStalledMs,
  type OfferedSubnet,
  startAdmin,
  startApi,
  type WebMethods,
} from "./api/index.ts";
import type { AxonPlace } from "./axon/index.ts";
import type { Registrations } from "./chain/index.ts";
import type { CoordinatorOptions, GrpcListen } from "./coordinator.ts";
import type { Dispatch } from "./dispatch/index.ts";
import type { Events } from "./events.ts";
import { openApiKeys } from "./keys/index.ts";
import { historyOf, minersAfter } from "./miners/index.ts";
import type { Prompts } from "./prompts/index.ts";
import type { CoordinatorState } from "./state.ts";
import type { Status } from "./status/index.ts";
import { planWeights, readAttempts } from "./weights/index.ts";
import type { Workers } from "./workers.ts";

export interface ClientSideParts extends Omit<CoordinatorState, keyof AsyncDisposable> {
  readonly dispatch: Dispatch;
  readonly events: Events;
  readonly prompts: Prompts | undefined;
  readonly registrations: Registrations;
  /** One for each hotkey of ours on a subnet, the first axon's first. */
  readonly places: readonly AxonPlace[];
  readonly workers: Workers;
  readonly status: () => Promise<Status>;
  /** What everybody sees; undefined when that is off. */
  readonly subnet: OfferedSubnet | undefined;
  /** ms since 1970 UTC */
  readonly now: () => number;
}

export interface ClientSide extends AsyncDisposable {
  /** Undefined when the public API is off. */
  readonly grpcPort: number | undefined;
  /** Undefined when the admin port is off. */
  readonly adminPort: number | undefined;
  /** What there is over plain HTTP. */
  readonly web: readonly WebMethods[];
  /** Ends the streams, whatever carries them; part of disposing it. */
  endStreams(): void;
}

/** @throws when a port cannot be had */
export async function openClientSide(
  options: CoordinatorOptions,
  parts: ClientSideParts,
): Promise<ClientSide> {
  const { limits, hotkey, grpc, leadership } = options;
  const settled = leadership?.settled;
  const { assets, tasks, reports, submissions, scorings, intake } = parts;
  const { dispatch, events, subnet, now } = parts;
  await using stack = new AsyncDisposableStack();
  const keys = stack.use(openApiKeys(options.dataDir, grpc?.keys));
  const access = stack.use(createAccess({ keys, now }));
  const told = { submissionOf: submissions.get, validatorHotkey: hotkey.ss58 };
  const api =
    grpc === undefined
      ? undefined
      : stack.use(
          await startApi({
            ...{ ...listenOf(grpc, events.trouble), beside: subnet, settled },
            access: access.interceptorFor({
              anonymous: grpc.keys === undefined ? ["generate", "score"] : [],
              wallets: { receiver: hotkey.ss58, isAllowed: isAllowedWallet(grpc, parts) },
            }),
            scoring: {
              scorings,
              limits: { assetBytes: limits.submissionBytes },
              cancel(id) {
                scorings.cancel(id, now());
                void dispatch.withdraw(id);
              },
            },
            tasks,
            cancelTask(taskId) {
              const outcome = submissions.cancel(taskId, now());
              for (const assignment of outcome.kind === "cancelled" ? outcome.takenBack : []) {
                events.lost(assignment, "cancelled");
                if (assignment.state === "scoring") {
                  void dispatch.withdraw(assignment.id);
                }
              }
              return outcome;
            },
            ...told,
            reportOf: reports.get,
            readAsset: assets.read,
            maxDownloads: limits.downloads ?? defaultMaxDownloads,
            stalledMs: limits.stalledStreamMs ?? defaultStalledMs,
            maxPromptChars: limits.promptChars,
            takesNothing: intake.takesNoTasks,
            onCall: events.apiCall,
            now,
          }),
        );
  const admin = stack.use(
    await startAdmin({
      admin: { ...told, ...operatorsView(options, parts), keys, now },
      native: options.admin && {
        ...listenOf(options.admin, events.trouble),
        access: access.interceptorFor({ anonymous: options.admin.anonymous ? ["admin"] : [] }),
      },
      // Browsers reach loopback, too, for pages of strangers: nobody is anonymous there.
      webAccess: options.adminWeb === true ? access.interceptorFor({}) : undefined,
      onCall: events.apiCall,
      settled,
    }),
  );
  const web = [
    { methods: api?.web ?? new Map(), corsOrigins: grpc?.corsOrigins ?? [] },
    { methods: admin.web, corsOrigins: [] },
    { methods: subnet?.web ?? new Map(), corsOrigins: grpc?.corsOrigins ?? [] },
  ].filter(({ methods }) => methods.size > 0);
  const running = stack.move();
  return {
    ...{ grpcPort: api?.port, adminPort: admin.port, web },
    endStreams() {
      api?.endStreams();
      subnet?.endStreams();
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Whether a hotkey is on the list, or has the stake. */
function isAllowedWallet(
  { wallets }: NonNullable<CoordinatorOptions["grpc"]>,
  { registrations, places }: ClientSideParts,
): (hotkey: string) => boolean {
  const { hotkeys = [], leastStakeTao = Number.POSITIVE_INFINITY } = wallets ?? {};
  const listed = new Set(hotkeys);
  return (hotkey) =>
    listed.has(hotkey) ||
    places.some(
      ({ netuid }) => (registrations.neuron(netuid, hotkey)?.stakeTao ?? 0) >= leastStakeTao,
    );
}

/** Only what is there: the server has its own defaults. */
function listenOf(
  { host, port, tls, maxConnectionAgeMs }: GrpcListen,
  onTrouble: Events["trouble"],
) {
  return {
    ...{ host, port, tls, onTrouble },
    ...(maxConnectionAgeMs === undefined ? {} : { maxConnectionAgeMs }),
  };
}

/** Where AdminService's answers come from. */
function operatorsView(
  { chain, queue, rules, netuid: firstNetuid }: CoordinatorOptions,
  parts: ClientSideParts,
): Omit<AdminOptions, "submissionOf" | "validatorHotkey" | "keys" | "now"> {
  const { store, miners, tasks, submissions, scorings, audits, intake } = parts;
  const { prompts, registrations, places, workers, status, now } = parts;
  const placeOn = (netuid = firstNetuid): AxonPlace | undefined =>
    places.find((place) => place.netuid === netuid);
  return {
    status,
    countPending: () => submissions.countPending() + scorings.countPending(),
    intake,
    miners: {
      after: (hotkey, limit) => minersAfter(store, hotkey, limit),
      get: miners.get,
      verdicts: (hotkey, limit, before) => historyOf(store, hotkey, limit, before),
      isRegistered: (hotkey) => registrations.miners().has(hotkey),
      isHotkey: isSs58,
    },
    workers: workers.list,
    fleet: { list: queue.workers, setDraining: queue.setDraining },
    quarantine: { list: audits.quarantined, release: audits.release },
    tasks,
    deadLetters: { list: queue.listDeadLetters, replay: queue.replayDeadLetter },
    weights: {
      async plan(netuid) {
        const place = placeOn(netuid);
        if (place === undefined) {
          return undefined;
        }
        const [metagraph, hyperparameters] = await Promise.all([
          chain.metagraph(place.netuid),
          chain.hyperparameters(place.netuid),
        ]);
        const at = now();
        const hotkeys = new Map(metagraph.neurons.map(({ uid, hotkey }) => [uid, hotkey]));
        const rewards = new Map(
          [...hotkeys.values()].map((hotkey) => [hotkey, miners.get(hotkey, at).reward]),
        );
        const hotkey = place.hotkey.ss58;
        return {
          ...planWeights({ hotkey, metagraph, hyperparameters, rules, rewards }),
          ...{ netuid: place.netuid, hotkey, block: metagraph.block, hotkeys },
        };
      },
      attempts(netuid, limit, before) {
        const place = placeOn(netuid);
        return place === undefined
          ? undefined
          : readAttempts(store).latest(place.netuid, place.hotkey.ss58, limit, before);
      },
    },
    prompts: () => prompts?.list() ?? [],
  };
}
