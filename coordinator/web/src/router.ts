/**
 * Which page an address means. Addresses are relative to the page's base, which the server puts into `<base>`: the page
 * works behind any path prefix.
 */
import { useEffect, useState } from "preact/hooks";

/** The page's own folder, with a slash at its end; read once, as addresses change while the page stands. */
export const base = new URL(".", globalThis.document?.baseURI ?? "http://127.0.0.1/");

export type Route =
  | { readonly page: "overview" | "tasks" | "try" | "viewer" | "operator" }
  | { readonly page: "task"; readonly id: string }
  | { readonly page: "miner"; readonly hotkey: string }
  | { readonly page: "missing"; readonly path: string };

/** @param path relative to the page's base, without a query */
export function parseRoute(path: string): Route {
  const [first = "", second = "", ...rest] = path.replace(/\/+$/, "").split("/");
  const plain = ["tasks", "try", "viewer", "operator"] as const;
  const named = plain.find((page) => page === first);
  if (rest.length === 0 && second === "" && first === "") {
    return { page: "overview" };
  }
  if (rest.length === 0 && second === "" && named !== undefined) {
    return { page: named };
  }
  const value = decode(second);
  if (rest.length === 0 && value && first === "tasks") {
    return { page: "task", id: value };
  }
  if (rest.length === 0 && value && first === "miners") {
    return { page: "miner", hotkey: value };
  }
  return { page: "missing", path };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined; // a % that begins nothing
  }
}

/** The address of a page, for `href`. */
export function pathOf(route: Exclude<Route, { readonly page: "missing" }>): string {
  switch (route.page) {
    case "overview":
      return "./";
    case "task":
      return `tasks/${encodeURIComponent(route.id)}`;
    case "miner":
      return `miners/${encodeURIComponent(route.hotkey)}`;
    default:
      return route.page;
  }
}

/** Goes to an address relative to the base, as a click on a link to it does. */
export function navigate(path: string): void {
  history.pushState(undefined, "", new URL(path, base));
  dispatchEvent(new PopStateEvent("popstate"));
}

export interface Place {
  readonly route: Route;
  readonly query: URLSearchParams;
}

function currentPlace(): Place {
  const { pathname, search } = location;
  const folder = base.pathname;
  const path = pathname.startsWith(folder) ? pathname.slice(folder.length) : pathname;
  return { route: parseRoute(path), query: new URLSearchParams(search) };
}

/** Where the reader is; links within the page lead there without loading it again. */
export function usePlace(): Place {
  const [place, setPlace] = useState(currentPlace);
  useEffect(() => {
    const update = (): void => setPlace(currentPlace());
    const follow = (event: MouseEvent): void => {
      const link = event.target instanceof Element ? event.target.closest("a") : null;
      if (link !== null && isOurs(event, link)) {
        event.preventDefault();
        navigate(link.href);
        scrollTo(0, 0);
      }
    };
    addEventListener("popstate", update);
    document.addEventListener("click", follow);
    return () => {
      removeEventListener("popstate", update);
      document.removeEventListener("click", follow);
    };
  }, []);
  return place;
}

/** Whether a click is one that leads to a page of ours in this tab. */
function isOurs(event: MouseEvent, link: HTMLAnchorElement): boolean {
  const { defaultPrevented, button, metaKey, ctrlKey, shiftKey, altKey } = event;
  const modified = defaultPrevented || button !== 0 || metaKey || ctrlKey || shiftKey || altKey;
  const elsewhere = link.target !== "" || link.hasAttribute("download");
  const anchor = link.getAttribute("href")?.startsWith("#") === true;
  return !modified && !elsewhere && !anchor && link.href.startsWith(base.href);
}
