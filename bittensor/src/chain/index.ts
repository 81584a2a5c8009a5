export { unreachableReason } from "./address.ts";
export type { LedgerHyperparameters } from "./ledger.ts";
export {
  createLocalChain,
  type LocalChain,
  type LocalChainOptions,
  type LostCommit,
  type Registration,
} from "./local-chain.ts";
export {
  type AxonAddress,
  type Chain,
  ChainError,
  type ChainOutcome,
  type Hyperparameters,
  type Metagraph,
  type Neuron,
  type ServeAxon,
  type SetWeights,
} from "./types.ts";
export {
  type Explanation,
  emitWeights,
  explainWeights,
  type ProcessOptions,
  processWeights,
  rankWeights,
  shareWeights,
  type Weights,
  WeightsError,
  weightsForChain,
} from "./weights/index.ts";
