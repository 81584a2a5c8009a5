import type { RenderScoreResult } from "@turntable/proto";
import type { RuleSet } from "../rules/index.ts";
import type { Verdict } from "../tasks/index.ts";

/** The verdict that follows from what a worker found. A fault of ours says nothing of its cause, which is internal. */
export function verdictOf(result: RenderScoreResult, rules: Pick<RuleSet, "acceptance">): Verdict {
  const { outcome } = result;
  switch (outcome.case) {
    case "scored": {
      const { score, model, unknownWords } = outcome.value;
      // A score that is no probability says that the worker is broken, not that the asset is bad.
      if (!(score >= 0 && score <= 1)) {
        return { kind: "system-fault", reason: "scoring failed" };
      }
      const demonstration = model?.demonstration ?? false;
      return score >= rules.acceptance
        ? { kind: "accepted", score, demonstration }
        : {
            ...{ kind: "rejected", code: "low-score", score, demonstration },
            reason: `scored ${score.toFixed(3)}, ${rules.acceptance} is needed${unknownNote(unknownWords)}`,
          };
    }
    case "invalidAsset":
      return {
        kind: "invalid-asset",
        code: outcome.value.code,
        reason: `${outcome.value.code}: ${outcome.value.message}`,
      };
    case "systemFault":
    case undefined:
      return { kind: "system-fault", reason: "scoring failed" };
    default:
      throw new TypeError(`unknown outcome ${String(outcome satisfies never)}`);
  }
}

/** Of a prompt with words that a demonstration model does not know, what the score says little about. */
function unknownNote(words: readonly string[]): string {
  if (words.length === 0) {
    return "";
  }
  const named = words.slice(0, maxNamedWords).map((word) => `"${word}"`);
  const more = words.length > named.length ? ` and ${words.length - named.length} more words` : "";
  return `; the demonstration model does not know ${named.join(", ")}${more}`;
}

const maxNamedWords = 5;
