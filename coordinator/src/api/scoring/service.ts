/** What the RPCs of ScoringService share: their types, whose scorings are whose, and how one is told. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type ScoringSchema, type ScoringService, ScoringState } from "@turntable/proto";
import type { Handler } from "@turntable/proto/rpc";
import type { Scoring, ScoringLimits, Scorings } from "../../scorings/index.ts";
import type { ClientCall } from "../access.ts";
import { notFound, unavailable } from "../errors.ts";

export interface ScoringOptions {
  readonly scorings: Scorings;
  readonly limits: Pick<ScoringLimits, "assetBytes">;
  /** Longest prompt, in characters (code points). */
  readonly maxPromptChars: number;
  /** Ends a scoring, and takes its job back where it can be. */
  readonly cancel: (id: string) => void;
  /** Why nothing can be taken now; undefined when it is. */
  readonly takesNothing?: () => string | undefined;
  /** A watch is handed over to another connection after so long, in ms; never when absent. */
  readonly maxWatchMs?: number;
  /** Aborted to end the streams; its reason, an RpcError, goes to their callers. */
  readonly stop: AbortSignal;
  /** ms since 1970 UTC */
  readonly now: () => number;
}

type Methods = (typeof ScoringService)["method"];
/** The handler of one RPC. */
export type Rpc<Name extends keyof Methods> = Handler<Methods[Name], ClientCall>;

const states = {
  uploading: ScoringState.UPLOADING,
  queued: ScoringState.QUEUED,
  scored: ScoringState.SCORED,
  failed: ScoringState.FAILED,
} as const satisfies Record<Scoring["state"], ScoringState>;

/** When a client is told to come back while nothing is taken, in ms. */
const closedRetryMs = 5_000;

/**
 * Before anything is written, be it an announcement or a piece.
 * @throws RpcError UNAVAILABLE while nothing can be taken
 */
export function checkIntake({ takesNothing }: Pick<ScoringOptions, "takesNothing">): void {
  const reason = takesNothing?.();
  if (reason !== undefined) {
    throw unavailable(reason, closedRetryMs);
  }
}

/** How many characters of an id that is not ours an answer repeats. */
const maxIdChars = 64;

/**
 * A client's own scoring: those of others are not there for it.
 * @throws RpcError NOT_FOUND
 */
export function findScoring(
  { scorings }: Pick<ScoringOptions, "scorings">,
  id: string,
  { client }: Pick<ClientCall, "client">,
): Scoring {
  const scoring = scorings.get(id);
  if (scoring === undefined || scoring.client !== client) {
    throw notFound(
      `no scoring "${id.slice(0, maxIdChars)}": there never was one, or it was forgotten some time after its end`,
    );
  }
  return scoring;
}

/** A scoring as its client sees it. */
export async function messageOf(
  { scorings }: Pick<ScoringOptions, "scorings">,
  scoring: Scoring,
): Promise<MessageInitShape<typeof ScoringSchema>> {
  const { report, failure } = scoring;
  return {
    id: scoring.id,
    prompt: scoring.prompt,
    state: states[scoring.state],
    createTime: timestampFromDate(scoring.createdAt),
    updateTime: timestampFromDate(scoring.updatedAt),
    expireTime: timestampFromDate(scoring.expiresAt),
    encoding: scoring.encoding,
    sizeBytes: BigInt(scoring.sizeBytes),
    sha256: Buffer.from(scoring.sha256, "hex"),
    receivedBytes: BigInt(await scorings.receivedBytes(scoring)),
    ...(report === undefined ? {} : { report }),
    ...(failure === undefined ? {} : { failure }),
  };
}
