export { type Explanation, explainWeights } from "./explain.ts";
export {
  emitWeights,
  type ProcessBranch,
  type Processed,
  type ProcessOptions,
  processWeights,
  type Weights,
  WeightsError,
  weightsForChain,
} from "./process.ts";
export { rankWeights, shareWeights } from "./sn17.ts";
