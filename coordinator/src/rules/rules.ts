/** What follows from the subnet's numbers. Pure functions of values; times are ms since 1970 UTC. */
import type { RuleSet } from "./rule-set.ts";

/** The fidelity that a score (0 to 1) earns, 0 to 1. */
export function fidelityOf(rules: RuleSet, score: number): number {
  const step = rules.fidelitySteps.find(({ score: least }) => score >= least);
  return step?.fidelity === "score" ? score : (step?.fidelity ?? 0);
}

/**
 * With which share a result enters the moving average: 0 when it leaves that as it is.
 * @param fidelity 0 to 1; 0 when the result was not accepted
 */
export function averageShareOf(rules: RuleSet, fidelity: number): number {
  return fidelity === 0 && !rules.countRejected ? 0 : rules.averageAlpha;
}

/**
 * The moving average after one more result.
 * @param average 0 to 1
 * @param fidelity 0 to 1; 0 when the result was not accepted
 */
export function nextAverage(rules: RuleSet, average: number, fidelity: number): number {
  return average + averageShareOf(rules, fidelity) * (fidelity - average);
}

/** The reward that a miner has earned: accepted results in the window × average fidelity, or × its rating. */
export function rewardOf(observations: number, quality: number): number {
  return observations * quality;
}

/**
 * Until when a miner gets no task after one that ended `now`.
 * @param assignedAt when it got the task: the time it took counts towards the cooldown, as far as the rules have it
 * @param isBad the work was not accepted, or a violation
 */
export function cooldownUntil(
  rules: RuleSet,
  {
    now,
    assignedAt,
    isBad,
  }: { readonly now: number; readonly assignedAt: number; readonly isBad: boolean },
): number {
  const cooldownMs = rules.cooldownMs + (isBad ? rules.badWorkMs : 0);
  return Math.max(now + cooldownMs - rules.throttleMs, assignedAt + cooldownMs);
}

/** No cooldown is longer, in ms: a longer one comes from a clock that was set. Pulls lengthen it by an hour at most. */
export function longestCooldownMs(rules: RuleSet): number {
  const violationsMs = rules.violationMs === 0 ? 0 : 3_600_000;
  return rules.cooldownMs + rules.badWorkMs + violationsMs;
}

/** By how much a pull during a cooldown lengthens it, in ms, after `violations` others. */
export function violationCostMs(rules: RuleSet, violations: number): number {
  return violations >= rules.freeViolations ? rules.violationMs : 0;
}
