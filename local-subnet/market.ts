/**
 * The market: miners of three kinds on one subnet, and a table that says what the validator makes of them and why.
 *
 * `good` makes what it is asked for. `poor` takes its work easily: two of three times what comes out is blurred or shows
 * the wrong thing. `cheat` makes nothing: it takes what the good one made last, for the same prompt where there is one,
 * moves every splat a little so that no byte is the same, and hands it in as its own.
 */
import { EngineError, type GenerationEngine, startProceduralEngine } from "@turntable/generation";
import type { MinerStore } from "@turntable/miner";
import { readAsset, type Splat, writePly } from "@turntable/splat";

export const marketRoles = ["good", "poor", "cheat"] as const;
export type MarketRole = (typeof marketRoles)[number];

/** Of so many tasks the poor miner does one properly. */
const poorIn = 3;
/** How far the cheat moves a splat at most, in units of the scene: nobody sees it. */
const shakenBy = 1e-4;
/** How many assets of the good miner the cheat remembers. */
const remembered = 200;

/** Engines that belong together: the cheat's sees what the good one's makes. Each is disposed by its endpoint. */
export function createMarketEngines(): Readonly<Record<MarketRole, GenerationEngine>> {
  const stock = new Map<string, Uint8Array>();
  const good = startProceduralEngine();
  const poor = startProceduralEngine();
  return {
    good: {
      ...good,
      async generate(request, signal) {
        const answer = await good.generate({ ...request, format: "ply" }, signal);
        stock.delete(request.prompt);
        stock.set(request.prompt, answer.bytes); // the latest is the last
        const [oldest] = stock.keys();
        if (stock.size > remembered && oldest !== undefined) {
          stock.delete(oldest);
        }
        return answer;
      },
    },
    poor: {
      ...poor,
      generate(request, signal) {
        const turn = (request.seed ?? 0) % poorIn;
        const quality = (["good", "blurry", "wrong-shape"] as const)[turn] ?? "good";
        return poor.generate({ ...request, quality }, signal);
      },
    },
    cheat: {
      name: "procedural",
      concurrency: 1,
      async generate({ prompt, seed = 0 }) {
        const stolen = stock.get(prompt) ?? [...stock.values()].at(-1);
        if (stolen === undefined) {
          throw new EngineError("failed", "there is nothing to steal yet");
        }
        const splat = shake(await readAsset(stolen), seed);
        return { bytes: writePly(splat), format: "ply", splats: splat.count, unknownWords: [] };
      },
      async [Symbol.asyncDispose]() {},
    },
  };
}

/** The same object to every eye, and another file. */
function shake(splat: Splat, seed: number): Splat {
  let state = seed >>> 0;
  const positions = splat.positions.map((value) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return value + (state / 2 ** 32 - 0.5) * 2 * shakenBy;
  });
  return { ...splat, positions };
}

export interface MarketMiner {
  readonly role: MarketRole;
  readonly uid: number;
  /** What the validator told the miner. */
  readonly store: MinerStore;
}

/** One line of the table. */
export interface MarketRow {
  readonly role: MarketRole;
  readonly tasks: number;
  readonly accepted: number;
  readonly reward: number;
  /** Its share of the weights on the chain, 0 to 1; undefined before there are any. */
  readonly weight: number | undefined;
  /** Why the last tasks were not accepted, newest first. */
  readonly reasons: readonly string[];
}

/** @param weights of the validator on the chain, by uid */
export function readMarket(
  miners: readonly MarketMiner[],
  weights: ReadonlyMap<number, number>,
  now: number,
): readonly MarketRow[] {
  const total = [...weights.values()].reduce((sum, weight) => sum + weight, 0);
  return miners.map(({ role, uid, store }) => {
    const [said] = store.standing(now).validators;
    return {
      role,
      tasks: said?.tasks ?? 0,
      accepted: said?.accepted ?? 0,
      reward: said?.reward ?? 0,
      weight: total === 0 ? undefined : (weights.get(uid) ?? 0) / total,
      reasons: said?.lastReasons ?? [],
    };
  });
}

export function describeMarket(rows: readonly MarketRow[]): string {
  const lines = rows.map(({ role, tasks, accepted, reward, weight, reasons }, index) => {
    const share = weight === undefined ? "no weight yet" : `weight ${(100 * weight).toFixed(1)} %`;
    const numbers = `${accepted} of ${tasks} accepted, reward ${reward.toFixed(2)}, ${share}`;
    const why = reasons.map((reason) => `\n      not accepted: ${reason}`);
    return `  miner ${index + 1}, ${role.padEnd(5)}  ${numbers}${why.join("")}`;
  });
  return lines.join("\n");
}
