/** The overview, which every page's head and some pages read: one stream for all of them. */

import { Code, ConnectError } from "@connectrpc/connect";
import type { Overview } from "@turntable/proto";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { subnet } from "../api.ts";
import { type Live, useStream } from "./stream.ts";

/** A message has the parts that changed. */
export function mergeOverview(before: Overview | undefined, parts: Overview): Overview {
  return before === undefined
    ? parts
    : {
        ...before,
        ...Object.fromEntries(Object.entries(parts).filter(([, part]) => part !== undefined)),
      };
}

export function useOverviewStream(): Live<Overview> {
  return useStream(
    (signal) => endless(subnet.watchOverview({}, { signal })),
    (before: Overview | undefined, { overview }) =>
      overview === undefined ? before : mergeOverview(before, overview),
    "overview",
  );
}

/** The overview has no end: a server that ends its stream, because that is old say, is asked again. */
async function* endless<T>(stream: AsyncIterable<T>): AsyncGenerator<T> {
  yield* stream;
  throw new ConnectError("the stream has ended", Code.Unavailable);
}

const nothing: Live<Overview> = { value: undefined, state: "connecting" };
export const OverviewContext = createContext<Live<Overview>>(nothing);
export const useOverview = (): Live<Overview> => useContext(OverviewContext);
