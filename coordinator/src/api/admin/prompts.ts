import { pageOfList } from "../pages.ts";
import type { AdminOptions, Rpc } from "./service.ts";

/** The prompts that synthetic tasks are drawn from. */
export function listPrompts({ prompts }: AdminOptions): Rpc<"listPrompts"> {
  return async (request) => {
    const all = prompts();
    const { items, nextPageToken } = pageOfList(all, request);
    return { prompts: [...items], nextPageToken, totalSize: all.length };
  };
}
