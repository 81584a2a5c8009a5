export { parsePrompts } from "./list.ts";
export {
  type PromptOptions,
  type Prompts,
  type PromptsEvent,
  startPrompts,
} from "./prompts.ts";
