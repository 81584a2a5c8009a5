import { invalidArgument } from "../errors.ts";
import { messageOf } from "../task-message.ts";
import type { GenerationOptions, Rpc } from "./service.ts";

/** Tasks a page of the list. */
const defaultPageSize = 50;
const maxPageSize = 500;

/** The caller's tasks, a page at a time; a token goes with each page but the last. */
export function listTasks(options: GenerationOptions): Rpc<"listTasks"> {
  return async ({ pageSize, pageToken }, { client }) => {
    const size = Math.min(pageSize || defaultPageSize, maxPageSize);
    // One more than asked for tells whether there is another page.
    const found = options.tasks.list(client, size + 1, pageToken || undefined);
    if (found === undefined) {
      throw invalidArgument("page_token", "is not one of ours; start without");
    }
    const page = found.slice(0, size);
    return {
      tasks: page.map((task) => messageOf(options, task)),
      nextPageToken: found.length > size ? (page.at(-1)?.id ?? "") : "",
    };
  };
}
