export {
  type HistoryEntry,
  historyOf,
  knownMiners,
  minersAfter,
} from "./history.ts";
export {
  createMinerReader,
  createMiners,
  type Miner,
  type Miners,
  type RecordVerdict,
} from "./miners.ts";
export { countDuel } from "./ratings.ts";
