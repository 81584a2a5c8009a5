/** The axons of one coordinator: each of its own subnet and hotkey, all with the same tasks and miners' records. */
import {
  type AxonEvent,
  type AxonLimits,
  type NonceStore,
  type Refusal,
  startAxonThreads,
} from "@turntable/bittensor/axon";
import type { Keypair } from "@turntable/bittensor/keys";
import { findSubmissionYear } from "@turntable/bittensor/synapse";
import { startMinerAxon } from "./miner-axon.ts";
import { createMinerProtocol, type MinerProtocolOptions } from "./miner-protocol.ts";
import { createOwnHistory, type OwnHistoryOptions } from "./own-history.ts";
import { createPublicApi, type PublicApiOptions } from "./public-api.ts";

/** Where an axon is, and whose. */
export interface AxonPlace {
  readonly netuid: number;
  /** The validator's on this axon. */
  readonly hotkey: Keypair;
  /** To listen on; 0 takes a free one. */
  readonly port: number;
}

export interface OpenAxonsOptions
  extends Omit<MinerProtocolOptions, "validator" | "verify">,
    Omit<PublicApiOptions, "tasks">,
    Pick<OwnHistoryOptions, "historyOf"> {
  readonly places: readonly AxonPlace[];
  /** Interface to listen on. */
  readonly host: string;
  /** Whether the hotkey (ss58) is registered on the subnet. */
  readonly isRegistered: (netuid: number, hotkey: string) => boolean;
  /** Why no submission can be taken now; undefined when they are. */
  readonly takesNothing: () => string | undefined;
  /** Why no task of a client can be taken now; undefined when they are. */
  readonly takesNoTasks: () => string | undefined;
  /** The weight that a miner had on an axon's subnet when weights were next set there. */
  readonly weightAfter: (
    place: AxonPlace,
    ...whose: Parameters<OwnHistoryOptions["weightAfter"]>
  ) => ReturnType<OwnHistoryOptions["weightAfter"]>;
  /** TAO of a registered hotkey (ss58); 0 for any other. */
  readonly stakeOf: (netuid: number, hotkey: string) => number;
  readonly nonces: NonceStore;
  /** As `MinerAxonOptions.settled`. */
  readonly settled: () => Promise<void>;
  /** Text that miners of 2025 sign; without it only the form of 2024 is taken. */
  readonly consentText: string | undefined;
  /** Largest body of SubmitResults, in bytes. */
  readonly maxSubmissionBytes: number;
  /** The same for each of the axons. */
  readonly limits: Partial<AxonLimits>;
  /** One event a request, when it was answered. */
  readonly onRequest: (event: AxonEvent) => void;
  /** A limit was reached. */
  readonly onRefused: (refusal: Refusal) => void;
}

export interface OpenAxons extends AsyncDisposable {
  /** As asked for and in that order, each with the port that it has. */
  readonly places: readonly AxonPlace[];
}

/**
 * Opens an axon at each of the places.
 * @throws when a port cannot be had; none is open then
 */
export async function openAxons(options: OpenAxonsOptions): Promise<OpenAxons> {
  const { tasks, host, nonces, consentText, isRegistered, maxSubmissionBytes, limits } = options;
  await using stack = new AsyncDisposableStack();
  const threads = stack.use(startAxonThreads(limits));
  const publicApi = createPublicApi(options); // one for all axons: its limits are the client's
  const places: AxonPlace[] = [];
  for (const place of options.places) {
    const validator = place.hotkey.ss58;
    const protocol = createMinerProtocol({
      ...options,
      validator,
      verify: (signed) =>
        findSubmissionYear(
          { ...signed, minerHotkey: signed.hotkey, validatorHotkey: validator },
          signed.signature,
          consentText,
          signed.hasSigned,
        ),
    });
    const { port } = stack.use(
      await startMinerAxon({
        hotkey: place.hotkey,
        host,
        port: place.port,
        protocol,
        isRegistered: (hotkey) => isRegistered(place.netuid, hotkey),
        hasAssignment: (hotkey) => tasks.latestAssignment(hotkey) !== undefined,
        takesNothing: options.takesNothing,
        takesNoTasks: options.takesNoTasks,
        publicApi,
        ownHistory: createOwnHistory({
          historyOf: options.historyOf,
          weightAfter: (hotkey, at) => options.weightAfter(place, hotkey, at),
          taskOf: (assignmentId) => tasks.assignment(assignmentId)?.taskId,
          now: options.now,
        }),
        version: {
          version: options.rules.validatorVersion,
          validation_version: options.rules.profile,
        },
        mayAskVersion: (hotkey) =>
          options.stakeOf(place.netuid, hotkey) >= options.rules.weights.leastStakeTao,
        nonces,
        settled: options.settled,
        maxSubmissionBytes,
        limits,
        threads,
        onRequest: options.onRequest,
        onRefused: options.onRefused,
      }),
    );
    places.push({ ...place, port });
  }
  const open = stack.move();
  return { places, [Symbol.asyncDispose]: () => open.disposeAsync() };
}
