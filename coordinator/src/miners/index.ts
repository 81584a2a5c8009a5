export {
  type HistoryEntry,
  type HistoryPoint,
  historyOf,
  knownMiners,
  minersAfter,
  pointsOf,
  type VerdictFilter,
  type VerdictTally,
  verdictCountsOf,
} from "./history.ts";
export {
  createMinerReader,
  createMiners,
  type Miner,
  type Miners,
  type RecordVerdict,
} from "./miners.ts";
export { countDuel } from "./ratings.ts";
export { type ScoreSpread, scoreParts, scoresOf } from "./score-counts.ts";
