import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { pageOfList } from "../pages.ts";
import type { AdminOptions, Rpc } from "./service.ts";

/** What the workers have done since the start. */
export function listWorkers({ workers }: AdminOptions): Rpc<"listWorkers"> {
  return async (request) => {
    const { items, nextPageToken } = pageOfList(workers(), request);
    const told = items.map(({ firstAt, lastAt, scored, invalid, faults, ...facts }) => ({
      ...facts,
      firstResultTime: timestampFromMs(firstAt),
      lastResultTime: timestampFromMs(lastAt),
      scored: BigInt(scored),
      invalid: BigInt(invalid),
      faults: BigInt(faults),
    }));
    return { workers: told, nextPageToken };
  };
}
