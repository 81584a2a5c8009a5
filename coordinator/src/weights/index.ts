export { createAttempts, readAttempts, type WeightAttempt } from "./attempts.ts";
export { createWeightsBoard, type WeightsBoard, type WeightsNews } from "./news.ts";
export { backOffBlocks, type Plan, planWeights } from "./plan.ts";
export { createSharesReader, type SharesReader, type WeightShares } from "./shares.ts";
export { isSame } from "./standing.ts";
export { startWeights, type WeightsEvent, type WeightsPlace } from "./start-weights.ts";
export { type Rewards, type WeightRow, weightsNow } from "./weights-now.ts";
