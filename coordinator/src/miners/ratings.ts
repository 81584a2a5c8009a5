/** The miners' ratings by duels. A rating belongs to the hotkey, like everything else of a miner. */
import { z } from "zod";
import { fade, type Rating, type RuleSet, rate } from "../rules/index.ts";
import type { Store, StoreReader } from "../store/index.ts";

const ratingRow = z.object({
  rating: z.number(),
  deviation: z.number(),
  volatility: z.number(),
  at: z.number(),
});

/** What the miner's duels say of it until now (ms since 1970 UTC); where everybody starts when there were none. */
export function ratingOf(
  store: StoreReader,
  { duels }: RuleSet,
  hotkey: string,
  now: number,
): Rating {
  const found = store.get("SELECT * FROM duel_ratings WHERE hotkey = ?", hotkey);
  if (found === undefined) {
    return duels.start;
  }
  const { at, ...rating } = ratingRow.parse(found);
  const { deviation, ...rest } = fade(rating, Math.max(0, now - at) / duels.periodMs);
  return { ...rest, deviation: Math.min(deviation, duels.start.deviation) };
}

/**
 * Counts a duel for both, each rated by what the other was before it. To be called in the duel's transaction.
 * @param score 1 when `one` won, 0 when `other` did, 0.5 for a draw
 */
export function countDuel(
  store: Store,
  rules: RuleSet,
  { one, other, score }: { readonly one: string; readonly other: string; readonly score: number },
  now: number,
): void {
  const before = [one, other].map((hotkey) => ratingOf(store, rules, hotkey, now));
  for (const [index, hotkey] of [one, other].entries()) {
    const [player, opponent] = [before[index], before[1 - index]];
    if (player === undefined || opponent === undefined) {
      continue;
    }
    const result = { opponent, score: index === 0 ? score : 1 - score };
    const { rating, deviation, volatility } = rate(player, [result], rules.duels.tau);
    store.run(
      `INSERT INTO duel_ratings VALUES (?, ?, ?, ?, ?, 1) ON CONFLICT (hotkey) DO UPDATE SET
         rating = excluded.rating, deviation = excluded.deviation, volatility = excluded.volatility,
         at = excluded.at, duels = duels + 1`,
      hotkey,
      rating,
      deviation,
      volatility,
      now,
    );
  }
}
