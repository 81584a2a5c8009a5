import { promptProblem } from "../tasks/index.ts";
import { invalidArgument, tooLarge } from "./errors.ts";

/**
 * @param maxChars in characters (code points)
 * @throws RpcError INVALID_ARGUMENT or RESOURCE_EXHAUSTED, naming the field `prompt`
 */
export function checkPrompt(prompt: string, maxChars: number): void {
  const found = promptProblem(prompt, maxChars);
  if (found !== undefined) {
    throw (found.kind === "too-long" ? tooLarge : invalidArgument)("prompt", found.problem);
  }
}
