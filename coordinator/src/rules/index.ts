export { type Advice, adviceOf, type Standing } from "./advice.ts";
export { type DuelResult, fade, type Rating, rate } from "./glicko.ts";
export { type RuleSet, RulesError, ruleSetOf } from "./rule-set.ts";
export { type RuleSetName, ruleSets } from "./rule-sets.ts";
export {
  averageShareOf,
  cooldownUntil,
  fidelityOf,
  longestCooldownMs,
  nextAverage,
  rewardOf,
  violationCostMs,
} from "./rules.ts";
