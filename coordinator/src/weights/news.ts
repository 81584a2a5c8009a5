/** What the loop that sets weights said last of each validator: when the next are due, and what stands against them. */
import type { WeightsEvent } from "./start-weights.ts";

export interface WeightsNews {
  /** The block from which on the next weights are due; undefined while that is not known. */
  readonly dueBlock: number | undefined;
  /** By how many blocks the last weights are older than they should be; 0 when they are not. */
  readonly lateBlocks: number;
  /** Why none can be set; undefined when nothing stands against it. */
  readonly barred: string | undefined;
  /** Why there are none to set; undefined when there are. */
  readonly nothing: string | undefined;
  /** The chain does not have what it took, or has somebody else's, in words; undefined when neither. */
  readonly foreign: string | undefined;
}

export interface WeightsBoard {
  /** An event has come. */
  seen(event: WeightsEvent): void;
  of(netuid: number, validator: string): WeightsNews;
}

const nothingYet: WeightsNews = {
  ...{ dueBlock: undefined, lateBlocks: 0, barred: undefined, nothing: undefined },
  foreign: undefined,
};

export function createWeightsBoard(): WeightsBoard {
  const places = new Map<string, WeightsNews>();
  const of = (netuid: number, validator: string): WeightsNews =>
    places.get(`${netuid} ${validator}`) ?? nothingYet;
  return {
    seen(event) {
      const { netuid, validator } = event;
      places.set(`${netuid} ${validator}`, { ...of(netuid, validator), ...changeOf(event) });
    },
    of,
  };
}

function changeOf(event: WeightsEvent): Partial<WeightsNews> {
  switch (event.kind) {
    case "age": {
      const { blocks, intervalBlocks, block } = event;
      const isLate = blocks > 2 * intervalBlocks;
      return {
        dueBlock: block - blocks + intervalBlocks,
        lateBlocks: isLate ? blocks - intervalBlocks : 0,
      };
    }
    case "attempt":
      return event.outcome.kind === "included" || event.outcome.kind === "unchanged"
        ? { barred: undefined, nothing: undefined, foreign: undefined, lateBlocks: 0 }
        : { barred: undefined, nothing: undefined };
    case "barred":
      return { barred: event.reason, nothing: undefined };
    case "none":
      return { barred: undefined, nothing: event.reason };
    case "missing":
      return { foreign: `the chain does not have the weights that it took: ${event.reason}` };
    case "foreign":
      return {
        foreign: `somebody else set weights with this hotkey in block ${event.block}: does another validator run with it?`,
      };
    case "late":
      return { lateBlocks: event.blocks };
    default:
      throw new TypeError(`unknown event ${String(event satisfies never)}`);
  }
}
