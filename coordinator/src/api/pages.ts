/** Lists in pages, and the tokens that the next one is asked for with. */
import { invalidArgument } from "./errors.ts";

const defaultPageSize = 50;
const maxPageSize = 500;

/** How many a page has that was asked for so. */
export const pageSizeOf = (asked: number, most = maxPageSize): number =>
  Math.min(asked || defaultPageSize, most);

/**
 * A page of what is read with one more than fits, which tells whether there is another page.
 * @param tokenOf what the page after this item is asked for with
 */
export function pageOf<Item>(
  found: readonly Item[],
  size: number,
  tokenOf: (last: Item) => string,
): { readonly items: readonly Item[]; readonly nextPageToken: string } {
  const items = found.slice(0, size);
  const last = items.at(-1);
  return { items, nextPageToken: found.length > size && last !== undefined ? tokenOf(last) : "" };
}

/** @throws RpcError INVALID_ARGUMENT */
export function badToken(): Error {
  return invalidArgument("page_token", "is not one of ours; start without");
}

/**
 * A token that is a number, of a row or a place in a list.
 * @throws RpcError INVALID_ARGUMENT
 */
export function numberToken(token: string): number | undefined {
  if (token === "") {
    return undefined;
  }
  if (!/^\d{1,15}$/.test(token)) {
    throw badToken();
  }
  return Number(token);
}

/**
 * A page of a list that is in memory.
 * @throws RpcError INVALID_ARGUMENT
 */
export function pageOfList<Item>(
  list: readonly Item[],
  { pageSize, pageToken }: { readonly pageSize: number; readonly pageToken: string },
): { readonly items: readonly Item[]; readonly nextPageToken: string } {
  const start = numberToken(pageToken) ?? 0;
  const end = start + pageSizeOf(pageSize);
  return {
    items: list.slice(start, end),
    nextPageToken: end < list.length ? String(end) : "",
  };
}
