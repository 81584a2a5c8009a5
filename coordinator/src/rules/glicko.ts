/**
 * Ratings by duels. Source: Mark E. Glickman, "Example of the Glicko-2 system" (2022), whose step numbers are named. Pure
 * functions of values.
 */

export interface Rating {
  /** 1,500 is where everybody starts; a difference of 400 means that the better one wins ten of eleven. */
  readonly rating: number;
  /** How uncertain the rating is, on the same scale. */
  readonly deviation: number;
  /** How much the rating is expected to move in a period. */
  readonly volatility: number;
}

/** A duel of somebody's. */
export interface DuelResult {
  readonly opponent: Rating;
  /** 1 won, 0.5 a draw, 0 lost */
  readonly score: number;
}

/** From Glicko's scale to that of Glicko-2 (step 2). */
const scale = 173.7178;
const centre = 1500;
/** Where the search for a volatility ends; the paper's ε. */
const convergence = 1e-6;

/**
 * A rating after the duels of one period, in which everybody's rating stands still (steps 3 to 8).
 * @param tau how much volatility may change from one period to the next, 0.3 to 1.2
 */
export function rate(player: Rating, results: readonly DuelResult[], tau: number): Rating {
  if (results.length === 0) {
    return fade(player, 1);
  }
  const mu = (player.rating - centre) / scale;
  const phi = player.deviation / scale;
  let information = 0; // 1 / v, step 3
  let surprise = 0;
  for (const { opponent, score } of results) {
    const g = 1 / Math.sqrt(1 + (3 * (opponent.deviation / scale) ** 2) / Math.PI ** 2);
    const expected = 1 / (1 + Math.exp((-g * (player.rating - opponent.rating)) / scale));
    information += g ** 2 * expected * (1 - expected);
    surprise += g * (score - expected);
  }
  const volatility = nextVolatility(player, surprise / information, 1 / information, tau);
  const before = phi ** 2 + volatility ** 2; // step 6
  const after = 1 / Math.sqrt(1 / before + information); // step 7
  return {
    rating: scale * (mu + after ** 2 * surprise) + centre,
    deviation: scale * after,
    volatility,
  };
}

/** A rating after some periods, or a part of one, without a duel: it becomes less certain (step 6). */
export function fade(player: Rating, periods: number): Rating {
  const phi = player.deviation / scale;
  return { ...player, deviation: scale * Math.sqrt(phi ** 2 + periods * player.volatility ** 2) };
}

/** Step 5: by the Illinois algorithm. */
function nextVolatility(player: Rating, delta: number, variance: number, tau: number): number {
  const phi = player.deviation / scale;
  const a = Math.log(player.volatility ** 2);
  const f = (x: number): number => {
    const e = Math.exp(x);
    const total = phi ** 2 + variance + e;
    return (e * (delta ** 2 - total)) / (2 * total ** 2) - (x - a) / tau ** 2;
  };
  let low = a;
  let high =
    delta ** 2 > phi ** 2 + variance ? Math.log(delta ** 2 - phi ** 2 - variance) : a - tau;
  while (high < a && f(high) < 0) {
    high -= tau;
  }
  let atLow = f(low);
  let atHigh = f(high);
  while (Math.abs(high - low) > convergence) {
    const middle = low + ((low - high) * atLow) / (atHigh - atLow);
    const atMiddle = f(middle);
    if (atMiddle * atHigh <= 0) {
      low = high;
      atLow = atHigh;
    } else {
      atLow /= 2;
    }
    high = middle;
    atHigh = atMiddle;
  }
  return Math.exp(low / 2);
}
