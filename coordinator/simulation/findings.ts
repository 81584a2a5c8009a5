/** What a simulation says of its rules: who earned more than honest, skilled work does. */
import type { GroupResult, Simulated } from "./simulate.ts";

/** By so much two groups of equal miners may differ by chance. */
const tolerance = 1.1;

/** Groups whose miners earned more than the baseline's, the most first, each with how many times as much. */
export function winners(
  { groups }: Pick<Simulated, "groups">,
  baseline: string,
): readonly { readonly result: GroupResult; readonly times: number }[] {
  const income = groups.find(({ group }) => group.name === baseline)?.income ?? 0;
  return groups
    .map((result) => ({ result, times: result.income / income }))
    .filter(({ times }) => times > tolerance)
    .toSorted((a, b) => b.times - a.times);
}

/** The winners in a sentence each, or that there are none. */
export function findings(simulated: Simulated, baseline: string): readonly string[] {
  const { rules } = simulated;
  const won = winners(simulated, baseline).map(({ result, times }) => {
    const { group, acceptance, averageFidelity } = result;
    const how = group.cheat === "none" ? "honest" : "a cheat";
    return (
      `rules ${rules.name} let "${group.name}" (${how}) win: ${times.toFixed(2)} times what "${baseline}" earns, ` +
      `with ${(100 * acceptance).toFixed(0)} % accepted and an average of ${averageFidelity.toFixed(2)}`
    );
  });
  return won.length > 0
    ? won
    : [`under rules ${rules.name} nobody earns more than "${baseline}" does`];
}
