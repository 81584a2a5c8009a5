/** What the RPCs of SubnetService share: where their answers come from. */
import type { ScoreReport, SubnetService } from "@turntable/proto";
import type { Handler } from "@turntable/proto/rpc";
import type {
  HistoryEntry,
  HistoryPoint,
  VerdictFilter,
  VerdictTally,
} from "../../miners/index.ts";
import type { Leader, OverviewReader } from "../../overview/index.ts";
import type { RuleSet } from "../../rules/index.ts";
import type { WeightShares } from "../../weights/index.ts";
import type { ClientCall } from "../access.ts";
import type { DownloadOptions } from "../downloads.ts";
import type { VisibleOptions } from "./visible.ts";

export interface SubnetOptions extends VisibleOptions, DownloadOptions {
  readonly overview: OverviewReader;
  readonly rules: RuleSet;
  /** When the process started, ms since 1970 UTC. */
  readonly startedAt: number;
  /** Whether GenerationService is served, and to those with a key alone. */
  readonly takesTasks: boolean;
  readonly needsKey: boolean;
  readonly miners: {
    isHotkey(text: string): boolean;
    isRegistered(hotkey: string): boolean;
    /** Where a miner stands now, and on the board of the last few seconds. */
    leader(hotkey: string, now: number): Leader;
    /** At most so many of what it had after its verdicts, oldest first. */
    points(hotkey: string, most: number): readonly HistoryPoint[];
    tallies(hotkey: string): readonly VerdictTally[];
    /** Newest first, before the one with this number. */
    verdicts(
      hotkey: string,
      limit: number,
      before: number | undefined,
      filter: VerdictFilter,
    ): readonly HistoryEntry[];
    /** Settings of weights, oldest first. */
    weights(): readonly WeightShares[];
  };
  /** Stands for the validator of submissions that do not say whose axon took them; ss58. */
  readonly validatorHotkey: string;
  /** Whether a report's signature is its validator's. */
  readonly verifyReport: (report: ScoreReport) => boolean;
  /** Streams of the overview, and as many of tasks, at one time. */
  readonly maxWatchers: number;
  /** A watch is handed over to another connection after so long, in ms; never when absent. */
  readonly maxWatchMs?: number;
  /** Aborted to end the streams; its reason, an RpcError, goes to their callers. */
  readonly stop: AbortSignal;
  readonly onTrouble: (what: string, error: unknown) => void;
  /** ms since 1970 UTC */
  readonly now: () => number;
}

type Methods = (typeof SubnetService)["method"];
/** The handler of one RPC. */
export type Rpc<Name extends keyof Methods> = Handler<Methods[Name], ClientCall>;

/** Larger pages would be work for one call that others wait for. */
export const maxPageSize = 200;
/** How many characters of an id that is not ours an answer repeats. */
export const maxIdChars = 64;
