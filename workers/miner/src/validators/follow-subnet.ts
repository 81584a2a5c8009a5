/**
 * The validators that the chain names, and whether this miner is on the subnet at all.
 *
 * F1 A hotkey that is not registered has no validators: they would refuse it. It looks again every minute until it is.
 * F2 While the chain is away, what it said last goes on, also over a restart.
 */
import type { Chain } from "@turntable/bittensor/chain";
import type { AxonTarget } from "@turntable/bittensor/dendrite";
import { type Logger, startLoop } from "@turntable/process";
import type { ValidatorRecords } from "../store/index.ts";

export interface SubnetOptions {
  /** Connects, or gives the connection there is. */
  readonly chain: (signal: AbortSignal) => Promise<Pick<Chain, "metagraph">>;
  readonly netuid: number;
  /** The miner's, ss58. */
  readonly hotkey: string;
  readonly leastStakeTao: number;
  /** Between two looks, in ms. */
  readonly syncMs: number;
  /** Named by the operator: asked whatever the chain says of them. */
  readonly fixed: readonly AxonTarget[];
  readonly records: Pick<ValidatorRecords, "list" | "listed">;
  readonly logger: Logger;
  /** Between two looks while something is wrong, in ms; a minute by default. */
  readonly lookMs?: number;
}

export interface Subnet extends AsyncDisposable {
  validators(): readonly AxonTarget[];
  /** What the chain says against mining; undefined when nothing. */
  trouble(): string | undefined;
  /** Looks now. */
  sync(): Promise<void>;
}

const defaultLookMs = 60_000;

/** Looks at once, and again until it is disposed; the first look has not ended when this returns. */
export function followSubnet(options: SubnetOptions): Subnet {
  const { netuid, hotkey, leastStakeTao, syncMs, fixed, records, logger } = options;
  const lookMs = Math.min(syncMs, options.lookMs ?? defaultLookMs);
  let listed = records.listed();
  let isRegistered: boolean | undefined;
  let trouble: string | undefined;
  let nextSyncAt = 0;

  const look = async (signal: AbortSignal): Promise<void> => {
    if (performance.now() < nextSyncAt && trouble === undefined) {
      return;
    }
    const chain = await orAborted(options.chain(signal), signal);
    const { neurons, block } = await orAborted(chain.metagraph(netuid, signal), signal);
    nextSyncAt = performance.now() + syncMs;
    const uid = neurons.find((neuron) => neuron.hotkey === hotkey)?.uid;
    listed = neurons.flatMap(({ axon, stakeTao, ...neuron }) =>
      axon !== undefined && stakeTao >= leastStakeTao && neuron.hotkey !== hotkey
        ? [{ ip: axon.ip, port: axon.port, hotkey: neuron.hotkey }]
        : [],
    );
    records.list(listed);
    if (uid === undefined) {
      trouble = `the hotkey ${hotkey} is not registered on subnet ${netuid}: register it; until then nothing is mined`;
      const was = isRegistered === true ? "it was, and has lost its place" : "";
      logger.error({ netuid, block, was: was || undefined }, trouble);
    } else {
      trouble =
        listed.length + fixed.length > 0
          ? undefined
          : `no validator of subnet ${netuid} has ${leastStakeTao} TAO and serves an axon`;
      if (isRegistered !== true) {
        logger.info({ netuid, block, uid, validators: listed.length }, "the hotkey is registered");
      }
      if (trouble !== undefined) {
        logger.warn({ block }, trouble);
      }
    }
    isRegistered = uid !== undefined;
  };

  const loop = startLoop({
    everyMs: lookMs,
    run: look,
    onTrouble(error) {
      const reason = error instanceof Error ? error.message : String(error);
      logger.warn({ err: error }, "the chain could not be read; what it said last goes on"); // F2
      if (listed.length + fixed.length === 0) {
        trouble = `the chain could not be read: ${reason}`;
      }
    },
  });
  void loop.runNow();
  return {
    validators() {
      if (isRegistered === false) {
        return []; // F1
      }
      const named = new Set(fixed.map((target) => target.hotkey));
      return [...fixed, ...listed.filter((target) => !named.has(target.hotkey))];
    },
    trouble: () => trouble,
    sync() {
      nextSyncAt = 0;
      return loop.runNow();
    },
    [Symbol.asyncDispose]: () => loop[Symbol.asyncDispose](),
  };
}

/** A read that hangs must not hold up the end. @throws the signal's reason */
async function orAborted<Result>(promise: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  if (signal.aborted) {
    onAbort();
  }
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
