/** What a miner can do for its reward, as the rules have it. Pure functions of values. */
import type { RuleSet } from "./rule-set.ts";
import { averageShareOf, fidelityOf, nextAverage, rewardOf } from "./rules.ts";

/** Where a miner stands, as far as advice follows from it. */
export interface Standing {
  /** Accepted results within the window. */
  readonly observations: number;
  /** Scored results within the window, accepted or not. */
  readonly scored: number;
  /** 0 to 1 */
  readonly averageFidelity: number;
  /** 0 where the rules have no duels. */
  readonly duelRating: number;
  readonly cooldownViolations: number;
  readonly violations: number;
  readonly silences: number;
  /** The reward of the miner that is next above it; undefined when there is none. */
  readonly nextReward: number | undefined;
}

export interface Advice {
  /** For programs, an open set. */
  readonly code: string;
  /** A sentence for the miner. */
  readonly text: string;
  /** By how much the reward would rise; 0 when that cannot be said. */
  readonly rewardGain: number;
}

/** Where weights go by rank, a reward has to be above this to get any: the subnet's validators of 2025. */
const leastRankedReward = 5;

/** What would raise the miner's reward; what helps most first. */
export function adviceOf(rules: RuleSet, standing: Standing): readonly Advice[] {
  return [
    moreResults(rules, standing),
    acceptedResults(rules, standing),
    betterResults(rules, standing),
    weightAtAll(rules, standing),
    overtaking(rules, standing),
    shorterCooldowns(rules, standing),
    ...answers(standing),
  ]
    .filter((advice) => advice !== undefined)
    .toSorted((a, b) => b.rewardGain - a.rewardGain);
}

/**
 * How many results a miner can have in a window at most, when it pulls as soon as its cooldown ends and takes no time
 * for its work beyond what the cooldown allows for.
 */
export function mostResults(rules: RuleSet): number {
  const leastMs = Math.max(1, rules.cooldownMs);
  return Math.floor(rules.windowMs / leastMs);
}

function qualityOf(rules: RuleSet, { averageFidelity, duelRating }: Standing): number {
  return rules.duels.rewarded ? duelRating : averageFidelity;
}

/** So many more accepted results make the reward at least this; undefined when none would. */
function resultsUntil(rules: RuleSet, standing: Standing, reward: number): number | undefined {
  const quality = qualityOf(rules, standing);
  if (quality <= 0) {
    return undefined;
  }
  // One that is just as good is not ahead.
  return Math.floor(reward / quality) + 1 - standing.observations;
}

function moreResults(rules: RuleSet, standing: Standing): Advice | undefined {
  const most = mostResults(rules);
  const more = most - standing.scored;
  if (more <= 0) {
    return undefined;
  }
  const quality = qualityOf(rules, standing);
  const rate = standing.scored === 0 ? 1 : standing.observations / standing.scored;
  const gain = rewardOf(Math.round(more * rate), quality);
  return {
    code: "more-results",
    text:
      `${counted(standing.scored, "result")} within ${duration(rules.windowMs)} of at most ${most} that cooldowns allow: ` +
      `each more that is accepted is worth ${amount(quality)}.`,
    rewardGain: gain,
  };
}

function acceptedResults(rules: RuleSet, standing: Standing): Advice | undefined {
  const refused = standing.scored - standing.observations;
  if (refused <= 0) {
    return undefined;
  }
  const gain = rewardOf(refused, qualityOf(rules, standing));
  return {
    code: "more-accepted",
    text:
      `${counted(refused, "more accepted result")} in the window: ${refused === 1 ? "one was" : `${refused} were`} ` +
      `scored and not accepted, and accepted they would be worth ${amount(gain)}. ${rules.acceptance} is needed.`,
    rewardGain: gain,
  };
}

function betterResults(rules: RuleSet, standing: Standing): Advice | undefined {
  if (rules.duels.rewarded) {
    return {
      code: "win-duels",
      text: "The reward is accepted results × rating: whoever wins duels against other miners' assets rises.",
      rewardGain: 0,
    };
  }
  const [best] = rules.fidelitySteps;
  if (best === undefined) {
    return undefined;
  }
  const fidelity = best.fidelity === "score" ? 1 : best.fidelity;
  if (standing.averageFidelity >= fidelity) {
    return undefined;
  }
  const gain = rewardOf(standing.observations, fidelity - standing.averageFidelity);
  const next = nextAverage(rules, standing.averageFidelity, fidelity);
  const what =
    best.fidelity === "score"
      ? "higher scores: what is accepted counts as much as its score"
      : `scores of at least ${best.score}, which earn ${fidelity}, and not ${stepBelow(rules)}`;
  return {
    code: "raise-average",
    text:
      `The average fidelity is ${standing.averageFidelity.toFixed(3)}. It rises with ${what}; ` +
      `the next one would make it ${next.toFixed(3)} (${share(averageShareOf(rules, fidelity))} of each result enters it).`,
    rewardGain: gain,
  };
}

/** What a result earns that is just acceptable. */
function stepBelow(rules: RuleSet): string {
  return String(fidelityOf(rules, rules.acceptance));
}

function weightAtAll(rules: RuleSet, standing: Standing): Advice | undefined {
  const reward = rewardOf(standing.observations, qualityOf(rules, standing));
  if (rules.weights.form !== "rank" || reward > leastRankedReward) {
    return undefined;
  }
  const more = resultsUntil(rules, standing, leastRankedReward);
  return more === undefined
    ? undefined
    : {
        code: "get-a-weight",
        text: `${counted(more, "more accepted result")} in the window: rewards of ${leastRankedReward} or less get no weight.`,
        rewardGain: rewardOf(more, qualityOf(rules, standing)),
      };
}

function overtaking(rules: RuleSet, standing: Standing): Advice | undefined {
  if (standing.nextReward === undefined) {
    return undefined;
  }
  const more = resultsUntil(rules, standing, standing.nextReward);
  return more === undefined || more <= 0
    ? undefined
    : {
        code: "next-rank",
        text: `${counted(more, "more accepted result")} in the window would pass the next miner, whose reward is ${amount(standing.nextReward)}.`,
        rewardGain: rewardOf(more, qualityOf(rules, standing)),
      };
}

function shorterCooldowns(rules: RuleSet, standing: Standing): Advice | undefined {
  if (rules.violationMs === 0 || standing.cooldownViolations <= rules.freeViolations) {
    return undefined;
  }
  return {
    code: "wait-out-cooldowns",
    text: `It pulled ${standing.cooldownViolations} times during a cooldown, and each time lengthens that by ${duration(rules.violationMs)}: wait until it ends.`,
    rewardGain: 0,
  };
}

function answers({ silences, violations }: Standing): readonly Advice[] {
  return [
    ...(silences === 0
      ? []
      : [
          {
            code: "answer",
            text: `It took ${counted(silences, "task")} and said nothing: give back what cannot be done (an empty submission), so that the next task comes sooner.`,
            rewardGain: 0,
          },
        ]),
    ...(violations === 0
      ? []
      : [
          {
            code: "sign",
            text: `${counted(violations, "submission")} came for a wrong task or with a wrong signature: each costs a cooldown.`,
            rewardGain: 0,
          },
        ]),
  ];
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function amount(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function share(value: number): string {
  return `${Math.round(value * 100)} %`;
}

function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) {
    return `${seconds} s`;
  }
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}
