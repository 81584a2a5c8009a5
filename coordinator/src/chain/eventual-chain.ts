/** The chain as it is used here, whether it can be reached at the moment or not. */
import type { Chain } from "@turntable/bittensor/chain";

/** What a coordinator asks of the chain. */
export type CoordinatorChain = Pick<
  Chain,
  "blockNumber" | "hyperparameters" | "metagraph" | "serveAxon" | "setWeights" | "weights"
>;

export interface EventualChain extends CoordinatorChain, AsyncDisposable {
  /**
   * Resolves once it is connected, or after `patienceMs` without a connection, which is tried on.
   * @throws what the connection failed with
   */
  ready(patienceMs?: number): Promise<void>;
}

/**
 * Connects when it is first asked, and again as long as that fails: a coordinator that knows its miners starts without
 * the chain. Disposing it closes the connection, if there is one.
 */
export function createEventualChain(
  connect: (signal: AbortSignal) => Promise<CoordinatorChain & AsyncDisposable>,
): EventualChain {
  const stopping = new AbortController();
  let connection: ReturnType<typeof connect> | undefined;
  const connected = (): ReturnType<typeof connect> => {
    connection ??= connect(stopping.signal).catch((error: unknown) => {
      connection = undefined;
      throw error;
    });
    return connection;
  };
  return {
    async ready(patienceMs) {
      const patience = patienceMs === undefined ? undefined : AbortSignal.timeout(patienceMs);
      try {
        await abortable(connected(), patience);
      } catch (error) {
        if (error !== patience?.reason) {
          throw error;
        }
      }
    },
    async metagraph(netuid, signal) {
      const open = await abortable(connected(), signal);
      return await abortable(open.metagraph(netuid, signal), signal);
    },
    async blockNumber(signal) {
      const open = await abortable(connected(), signal);
      return await abortable(open.blockNumber(signal), signal);
    },
    async hyperparameters(netuid, signal) {
      const open = await abortable(connected(), signal);
      return await abortable(open.hyperparameters(netuid, signal), signal);
    },
    async weights(netuid, uid, signal) {
      const open = await abortable(connected(), signal);
      return await abortable(open.weights(netuid, uid, signal), signal);
    },
    // What was sent is waited for: its outcome has to be known.
    setWeights: async (set, signal) =>
      (await abortable(connected(), signal)).setWeights(set, signal),
    serveAxon: async (axon) => (await connected()).serveAxon(axon),
    async [Symbol.asyncDispose]() {
      stopping.abort();
      const open = await connection?.catch(() => undefined);
      await open?.[Symbol.asyncDispose]();
    },
  };
}

/** As `promise`, but for as long as `signal` allows. */
function abortable<Result>(promise: Promise<Result>, signal?: AbortSignal): Promise<Result> {
  if (signal === undefined) {
    return promise;
  }
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) {
      onAbort();
    }
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
