/** The share of the weights that each miner had, as the chain took them: of the latest settings, kept in memory. */
import type { StoreReader } from "../store/index.ts";
import { readAttempts, type WeightAttempt } from "./attempts.ts";

/** A setting of weights, as shares of their sum. */
export interface WeightShares {
  /** The attempt's number. */
  readonly id: number;
  readonly netuid: number;
  /** ss58 */
  readonly validator: string;
  /** ms since 1970 UTC */
  readonly at: number;
  /** By hotkey (ss58), 0 to 1; who got none is not there. */
  readonly shares: ReadonlyMap<string, number>;
}

export interface SharesReader {
  /** Settings that the chain took, oldest first: of the last days, and a limited number. */
  list(): readonly WeightShares[];
}

/** As many settings are kept: more than a day of the subnet's usual ones, each with 256 shares. */
const most = 96;
/** Before that nothing is looked for, in ms. */
const reachMs = 3 * 86_400_000;
/** What the chain says of a setting may come after what it says of a later one, so much later; ms. */
const lateMs = 600_000;

/**
 * Reads a setting once, when it is first asked for after the chain took it.
 * @param now ms since 1970 UTC
 */
export function createSharesReader(store: StoreReader, now: () => number): SharesReader {
  const attempts = readAttempts(store);
  let known: readonly WeightShares[] = [];
  return {
    list() {
      const last = known.at(-1);
      const since = last === undefined ? now() - reachMs : last.at - lateMs;
      const ids = new Set(known.map(({ id }) => id));
      const more = attempts.included(since, most).filter(({ id }) => !ids.has(id));
      known = [...known, ...more.map(sharesOf)].slice(-most);
      return known;
    },
  };
}

function sharesOf({ id, netuid, validator, at, rows }: WeightAttempt): WeightShares {
  const sum = rows.reduce((total, { weight }) => total + weight, 0);
  const shares = new Map(rows.map(({ hotkey, weight }) => [hotkey, weight / sum]));
  return { id, netuid, validator, at, shares };
}
