/** An asset in a worker of its own, as the page sees it. */
import { defaultAssetLimits } from "@turntable/splat";
import type { AssetAnswer, AssetFacts, AssetRequest, DrawOrder } from "./messages.ts";
import type { ScoringRule } from "./scoring-rule.ts";

/** What is wrong with an asset, in words for people. */
export class AssetProblem extends Error {
  override name = "AssetProblem";
}

/** Ended with `dispose`; what still waits for it then fails. */
export interface Asset extends Disposable {
  readonly facts: AssetFacts;
  /** The splats as a PLY, scaled as the rule says. */
  ply(rule: ScoringRule): Promise<Uint8Array>;
  draw(order: DrawOrder): Promise<ImageData>;
}

/** The largest that limits allow takes a few seconds; one that is made to take long is given up. */
const longestOpenMs = 60_000;

/**
 * @param name its extension matters for formats without a header
 * @throws AssetProblem when it is none, or too large
 */
export async function openAsset(
  bytes: Uint8Array,
  name: string,
  signal: AbortSignal,
): Promise<Asset> {
  checkSize(bytes.length);
  signal.throwIfAborted();
  const worker = new Worker(new URL("./asset-worker.ts", import.meta.url), { type: "module" });
  const calls = startCalls(worker);
  const onAbort = (): void => calls.end(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  const late = setTimeout(
    () => calls.end(new AssetProblem("It takes more than a minute to decode: given up.")),
    longestOpenMs,
  );
  try {
    const answer = await calls.ask({ kind: "open", bytes, name });
    if (answer.kind !== "opened") {
      throw new TypeError(`the asset's worker answered ${answer.kind}`);
    }
    return assetOf(answer.facts, calls);
  } catch (error) {
    calls.end(error);
    throw error;
  } finally {
    clearTimeout(late);
    signal.removeEventListener("abort", onAbort);
  }
}

/** Before a file is read at all. @throws AssetProblem */
export function checkSize(sizeBytes: number): void {
  const most = defaultAssetLimits.maxDecompressedBytes;
  if (sizeBytes > most) {
    throw new AssetProblem(
      `It has ${(sizeBytes / 2 ** 20).toFixed(0)} MiB; at most ${most / 2 ** 20} MiB can be looked at.`,
    );
  }
}

function assetOf(facts: AssetFacts, calls: Calls): Asset {
  return {
    facts,
    async ply(rule) {
      const answer = await calls.ask({ kind: "ply", rule });
      if (answer.kind !== "ply") {
        throw new TypeError(`the asset's worker answered ${answer.kind}`);
      }
      return answer.bytes;
    },
    async draw(order) {
      const answer = await calls.ask({ kind: "draw", order });
      if (answer.kind !== "drawn") {
        throw new TypeError(`the asset's worker answered ${answer.kind}`);
      }
      return new ImageData(answer.rgba, order.size, order.size);
    },
    [Symbol.dispose]: () => calls.end(new AssetProblem("It is not shown any more.")),
  };
}

/** A request without the number that tells its answer from others. */
type Ask = AssetRequest extends infer One
  ? One extends AssetRequest
    ? Omit<One, "id">
    : never
  : never;

interface Calls {
  ask(request: Ask): Promise<AssetAnswer>;
  /** Ends the worker. @param reason why what waits has no answer */
  end(reason: unknown): void;
}

function startCalls(worker: Worker): Calls {
  const waiting = new Map<number, PromiseWithResolvers<AssetAnswer>>();
  let [next, ended] = [0, undefined as unknown];
  const end = (reason: unknown): void => {
    worker.terminate();
    ended ??= reason;
    for (const { reject } of waiting.values()) {
      reject(reason);
    }
    waiting.clear();
  };
  worker.onmessage = ({ data }: MessageEvent<AssetAnswer>) => {
    const call = waiting.get(data.id);
    waiting.delete(data.id);
    if (data.kind === "failed") {
      call?.reject(new AssetProblem(data.message));
    } else {
      call?.resolve(data);
    }
  };
  worker.onerror = ({ message }) => end(new AssetProblem(`The decoder stopped: ${message}`));
  return {
    ask(request) {
      if (ended !== undefined) {
        return Promise.reject(ended);
      }
      const id = next++;
      const call = Promise.withResolvers<AssetAnswer>();
      waiting.set(id, call);
      worker.postMessage({ ...request, id });
      return call.promise;
    },
    end,
  };
}
