/**
 * The real chain behind the `Chain` interface, by @polkadot/api: what the runtime offers is read from its metadata on
 * every connection, so no index, error number or call name is taken for granted.
 */
import { EventEmitter, on } from "node:events";
import type { ApiPromise } from "@polkadot/api";
import { sdkVersionNumber } from "../../synapse/index.ts";
import { ipToChain, unreachableReason } from "../address.ts";
import { encodePayload, encryptToRound, legacyRound, statefulRound } from "../timelock/index.ts";
import {
  type Chain,
  ChainError,
  type ChainOutcome,
  type ServeAxon,
  type SetWeights,
} from "../types.ts";
import { endpointUrl, isPublicNetwork } from "./endpoints.ts";
import type { ChainEvent } from "./events.ts";
import { takeLibraryLines } from "./library-console.ts";
import { createProvider } from "./provider.ts";
import {
  hasStorage,
  isCommitReveal,
  readAxon,
  readEpochState,
  readHyperparameters,
  readMetagraph,
  readNumber,
  readStorage,
  readUid,
  readWeights,
} from "./reads.ts";
import { defaultRetryLimits, type RetryLimits } from "./retry.ts";
import { type Call, submitOnce } from "./submit.ts";

export interface SubtensorOptions {
  /** Names of networks (finney, test, archive, local) or ws URLs; the next is tried when one fails. */
  readonly endpoints: readonly string[];
  /** ms for the first connection; by default it waits until the signal. */
  readonly connectTimeoutMs?: number;
  /** Told of what happens to the connection, also before there is one. */
  readonly onEvent?: (event: ChainEvent) => void;
  /** Pauses between two tries to connect, ms. */
  readonly retry?: Partial<RetryLimits>;
  /** ms for inclusion in a block; 60,000 by default, five blocks. */
  readonly inclusionTimeoutMs?: number;
  /** Seconds of a block; 12 by default. */
  readonly blockTimeS?: number;
  /** Takes private addresses for axons on public networks too. */
  readonly allowPrivateAddresses?: boolean;
  /** Public key of the beacon that reveals commits: 96 bytes, G2 compressed; that of drand's quicknet by default. */
  readonly beaconPublicKey?: Uint8Array;
  /** Unix ms */
  readonly now?: () => number;
}

const defaultSdkVersion = sdkVersionNumber("9.9.0");
/** Signatures are valid for so many blocks, so that a lost call does not turn up much later. */
const eraBlocks = 32;
/** Version of the payload that a timelocked commit encrypts. A chain that expects another one gets no commit. */
const commitVersion = 4;
/** How often a call is tried at most: once, and again after each refusal that may pass. */
const maxAttempts = 3;

/**
 * Connects and reads the metadata; waits for a node, as long as `connectTimeoutMs` allows.
 * @throws ChainError when none answers in time, with the last reason; the signal's reason
 */
export async function connectSubtensor(
  options: SubtensorOptions,
  signal?: AbortSignal,
): Promise<Chain> {
  const urls = options.endpoints.map(endpointUrl);
  await using stack = new AsyncDisposableStack();
  const onEvent = options.onEvent ?? (() => undefined);
  stack.use(takeLibraryLines((text) => onEvent({ kind: "note", text })));
  const api = stack.adopt(await connected(urls, options, onEvent, signal), (open) =>
    open.disconnect(),
  );
  const heads = new EventEmitter().setMaxListeners(0);
  const stop = new AbortController();
  let latest = 0;
  const unsubscribe = await api.rpc.chain.subscribeNewHeads((header) => {
    latest = header.number.toNumber();
    heads.emit("block", latest);
  });
  stack.defer(() => {
    stop.abort();
    unsubscribe();
  });
  const owned = stack.move();
  return createChain(api, heads, stop, urls, options, () => owned.disposeAsync());
}

async function connected(
  urls: readonly string[],
  { connectTimeoutMs, retry }: SubtensorOptions,
  onEvent: (event: ChainEvent) => void,
  signal?: AbortSignal,
): Promise<ApiPromise> {
  let lastReason = "";
  const provider = createProvider({
    urls,
    retry: { ...defaultRetryLimits, ...retry },
    onEvent(event) {
      if (event.kind === "away") {
        lastReason = ` (${event.url}: ${event.reason})`;
      }
      onEvent(event);
    },
  });
  const none = { extrinsic: {}, payload: {} };
  // Its hundreds of files take longer to load than all else together, and with a local chain nobody needs them.
  const library = await import("@polkadot/api");
  const api = new library.ApiPromise({
    provider,
    noInitWarn: true,
    // They add nothing to what is signed
    signedExtensions: {
      SubtensorTransactionExtension: none,
      SubtensorSignedExtension: none,
      CommitmentsSignedExtension: none,
      DrandPriority: none,
      SudoTransactionExtension: none,
      CheckShieldedTxValidity: none,
    },
  });
  api.isReadyOrError.catch(() => undefined); // not asked; it would end the process
  // The metadata could not be read: the library leaves it at that until there is another connection
  api.on("error", (error: unknown) =>
    provider.drop(error instanceof Error ? error.message : String(error)),
  );
  const timeout =
    connectTimeoutMs === undefined ? undefined : AbortSignal.timeout(connectTimeoutMs);
  const ended = AbortSignal.any([signal, timeout].filter((one) => one !== undefined));
  const { promise, reject } = Promise.withResolvers<never>();
  const onEnd = (): void => reject(new Error("no answer in time"));
  ended.addEventListener("abort", onEnd, { once: true });
  if (ended.aborted) {
    onEnd();
  }
  try {
    return await Promise.race([api.isReady, promise]);
  } catch (cause) {
    await api.disconnect().catch(() => undefined);
    signal?.throwIfAborted();
    throw new ChainError(
      `no chain answers at ${urls.join(", ")} within ${(connectTimeoutMs ?? 0) / 1000} seconds${lastReason}: check the endpoint and the network`,
      { cause },
    );
  } finally {
    ended.removeEventListener("abort", onEnd);
  }
}

function createChain(
  api: ApiPromise,
  heads: EventEmitter,
  stop: AbortController,
  urls: readonly string[],
  options: SubtensorOptions,
  dispose: () => Promise<void>,
): Chain {
  const now = options.now ?? Date.now;
  const inclusionTimeoutMs = options.inclusionTimeoutMs ?? 60_000;

  /** Turns what polkadot throws while the chain is away into our error. */
  const reading = async <T>(read: () => Promise<T>, signal?: AbortSignal): Promise<T> => {
    signal?.throwIfAborted();
    try {
      return await read();
    } catch (cause) {
      if (cause instanceof ChainError) {
        throw cause;
      }
      throw new ChainError(
        `the chain can't be read: ${cause instanceof Error ? cause.message : cause}`,
        {
          cause,
        },
      );
    }
  };

  const callNamed = (name: string, ...parameters: unknown[]): Call | undefined =>
    api.tx.subtensorModule?.[name]?.(...parameters);

  /**
   * Sends, and again with a fresh signature after a refusal that passes. When the outcome is lost, `happened` asks the
   * chain.
   */
  const submit = async (
    make: () => Promise<Call>,
    hotkey: ServeAxon["hotkey"],
    happened: () => Promise<number | undefined>,
    signal?: AbortSignal,
  ): Promise<ChainOutcome> => {
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await submitOnce(api, await make(), hotkey, {
        timeoutMs: inclusionTimeoutMs,
        eraBlocks,
        ...(signal === undefined ? {} : { signal }),
      });
      if (outcome.kind === "unknown") {
        const block = await settled(happened, inclusionTimeoutMs, signal);
        return block === undefined ? outcome : { kind: "included", block, revealRound: undefined };
      }
      if (outcome.kind !== "passing") {
        return outcome;
      }
      if (attempt === maxAttempts) {
        return { kind: "refused", name: "InvalidTransaction", message: outcome.message };
      }
      await nextBlock(signal);
    }
  };

  /** Asks after the connection is back; undefined when it has not happened or can't be asked. */
  const settled = async (
    happened: () => Promise<number | undefined>,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<number | undefined> => {
    const timeout = AbortSignal.timeout(timeoutMs);
    const end = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
    try {
      for await (const _ of on(heads, "block", { signal: AbortSignal.any([end, stop.signal]) })) {
        const block = await happened().catch(() => undefined);
        if (block !== undefined) {
          return block;
        }
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (!end.aborted && !stop.signal.aborted) {
        throw error;
      }
    }
    return undefined;
  };

  const nextBlock = async (signal?: AbortSignal): Promise<void> => {
    const end = AbortSignal.any([
      stop.signal,
      AbortSignal.timeout(inclusionTimeoutMs),
      ...(signal === undefined ? [] : [signal]),
    ]);
    try {
      for await (const _ of on(heads, "block", { signal: end })) {
        return;
      }
    } catch {
      signal?.throwIfAborted();
    }
  };

  const lastUpdateOf = async (netuid: number, uid: number): Promise<number> => {
    const updates = await readStorage(api, "lastUpdate", netuid);
    return Array.isArray(updates) ? Number(updates[uid] ?? 0) : 0;
  };

  return {
    name: urls.join(", "),
    blockNumber: (signal) =>
      reading(async () => (await api.rpc.chain.getHeader()).number.toNumber(), signal),
    async *blocks(signal) {
      const end = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
      if (end.aborted) {
        return;
      }
      let last = 0;
      try {
        for await (const [block] of on(heads, "block", { signal: end })) {
          if (Number(block) > last) {
            last = Number(block);
            yield last;
          }
        }
      } catch (error) {
        if (!end.aborted) {
          throw error;
        }
      }
    },
    metagraph: (netuid, signal) => reading(() => readMetagraph(api, netuid), signal),
    uidOf: (netuid, hotkey, signal) => reading(() => readUid(api, netuid, hotkey), signal),
    hyperparameters: (netuid, signal) => reading(() => readHyperparameters(api, netuid), signal),
    weights: (netuid, uid, signal) => reading(() => readWeights(api, netuid, uid), signal),

    async serveAxon({ netuid, hotkey, address, version = defaultSdkVersion }, signal) {
      const { ip, ipType } = ipToChain(address.ip);
      const hidden = unreachableReason(address.ip);
      if (
        hidden !== undefined &&
        urls.some(isPublicNetwork) &&
        options.allowPrivateAddresses !== true
      ) {
        return {
          kind: "refused",
          name: "PrivateAddress",
          message: `nobody on this network can reach ${address.ip}: ${hidden}; configure the address that your router or provider shows to the internet`,
        };
      }
      const isServed = async (): Promise<boolean> => {
        const known = await readAxon(api, netuid, hotkey.ss58);
        return known?.ip === ip && known.port === address.port && known.version === version;
      };
      if (await reading(isServed, signal)) {
        return { kind: "unchanged" };
      }
      const call = async (): Promise<Call> =>
        required(
          callNamed("serveAxon", netuid, version, ip, address.port, ipType, 4, 0, 0),
          "serve_axon",
        );
      const happened = async (): Promise<number | undefined> =>
        (await isServed()) ? (await api.rpc.chain.getHeader()).number.toNumber() : undefined;
      return submit(call, hotkey, happened, signal);
    },

    async setWeights(set, signal) {
      const { netuid, hotkey } = set;
      const uid = await reading(() => readUid(api, netuid, hotkey.ss58), signal);
      if (uid === undefined) {
        return {
          kind: "refused",
          name: "HotKeyNotRegisteredInSubNet",
          message: "the hotkey is not registered on this subnet: register it first",
        };
      }
      const before = await reading(() => lastUpdateOf(netuid, uid), signal);
      const limit = await reading(() => readNumber(api, "weightsSetRateLimit", netuid), signal);
      const block = await reading(async () => (await api.rpc.chain.getHeader()).number.toNumber());
      if (before !== 0 && block - before < limit) {
        return {
          kind: "refused",
          name: "SettingWeightsTooFast",
          message: `weights were set ${block - before} blocks ago; the subnet asks for ${limit}`,
        };
      }
      const committing = await reading(() => isCommitReveal(api, netuid), signal);
      const happened = async (): Promise<number | undefined> => {
        const last = await lastUpdateOf(netuid, uid);
        return last > before ? last : undefined;
      };
      if (!committing) {
        return submit(async () => plainCall(callNamed, set), hotkey, happened, signal);
      }
      const version = hasStorage(api, "commitRevealWeightsVersion")
        ? await reading(() => readNumber(api, "commitRevealWeightsVersion"), signal)
        : commitVersion;
      // The chain would take another version's bytes and drop them at their reveal, without a word
      if (version !== commitVersion) {
        return {
          kind: "refused",
          name: "IncorrectCommitRevealVersion",
          message: `the chain expects commits of version ${version}, this software makes version ${commitVersion}: update it`,
        };
      }
      let revealRound: bigint | undefined;
      const commit = async (): Promise<Call> => {
        const made = await reading(() => commitCall(api, callNamed, set, options, now), signal);
        revealRound = made.revealRound;
        return made.call;
      };
      const outcome = await submit(commit, hotkey, happened, signal);
      return outcome.kind === "included" ? { ...outcome, revealRound } : outcome;
    },
    [Symbol.asyncDispose]: dispose,
  };
}

type CallNamed = (name: string, ...parameters: unknown[]) => Call | undefined;

function plainCall(callNamed: CallNamed, { netuid, weights, versionKey }: SetWeights): Call {
  const uids = weights.map(({ uid }) => uid);
  const values = weights.map(({ weight }) => weight);
  return required(
    callNamed("setMechanismWeights", netuid, 0, uids, values, versionKey) ??
      callNamed("setWeights", netuid, uids, values, versionKey),
    "set_weights",
  );
}

async function commitCall(
  api: ApiPromise,
  callNamed: CallNamed,
  { netuid, hotkey, weights, versionKey }: SetWeights,
  { blockTimeS = 12, beaconPublicKey }: SubtensorOptions,
  now: () => number,
): Promise<{ readonly call: Call; readonly revealRound: bigint }> {
  const payload = encodePayload({
    publicKey: hotkey.publicKey,
    uids: weights.map(({ uid }) => uid),
    values: weights.map(({ weight }) => weight),
    versionKey: BigInt(versionKey),
  });
  const periodEpochs = hasStorage(api, "revealPeriodEpochs")
    ? await readNumber(api, "revealPeriodEpochs", netuid)
    : 1;
  const state = await readEpochState(api, netuid);
  const header = await api.rpc.chain.getHeader();
  const when = { periodEpochs, blockTimeS, nowS: now() / 1000 };
  const revealRound =
    state !== undefined
      ? statefulRound(state, when)
      : legacyRound(
          {
            storageIndex: netuid,
            tempo: await readNumber(api, "tempo", netuid),
            block: header.number.toNumber(),
          },
          when,
        );
  const beacon = beaconPublicKey === undefined ? {} : { publicKey: beaconPublicKey };
  const commit = `0x${Buffer.from(encryptToRound(payload, revealRound, beacon)).toString("hex")}`;
  const call = required(
    callNamed("commitTimelockedMechanismWeights", netuid, 0, commit, revealRound, commitVersion) ??
      callNamed("commitTimelockedWeights", netuid, commit, revealRound, commitVersion),
    "commit_timelocked_weights",
  );
  return { call, revealRound };
}

function required(call: Call | undefined, name: string): Call {
  if (call === undefined) {
    throw new ChainError(`the chain's runtime has no call ${name}`);
  }
  return call;
}
