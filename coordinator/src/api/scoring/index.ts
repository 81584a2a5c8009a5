/** ScoringService: one file for each RPC. */
import type { ScoringService } from "@turntable/proto";
import type { Handlers } from "@turntable/proto/rpc";
import type { ClientCall } from "../access.ts";
import { cancelScoring } from "./cancel-scoring.ts";
import { createScoring } from "./create-scoring.ts";
import { getScoring } from "./get-scoring.ts";
import type { ScoringOptions } from "./service.ts";
import { uploadAsset } from "./upload-asset.ts";
import { watchScoring } from "./watch-scoring.ts";

export type { ScoringOptions } from "./service.ts";

/** The handlers of ScoringService; what they refuse is thrown as an RpcError of errors.ts. */
export function scoringHandlers(
  options: ScoringOptions,
): Handlers<typeof ScoringService, ClientCall> {
  return {
    createScoring: createScoring(options),
    uploadAsset: uploadAsset(options),
    getScoring: getScoring(options),
    watchScoring: watchScoring(options),
    cancelScoring: cancelScoring(options),
  };
}
