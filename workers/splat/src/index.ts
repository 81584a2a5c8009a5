export { readPly } from "./ply-reader.ts";
export { writePly } from "./ply-writer.ts";
export { type ReadAssetOptions, readAsset } from "./read-asset.ts";
export {
  AssetError,
  type AssetErrorCode,
  type AssetLimits,
  defaultAssetLimits,
  type ShDegree,
  type Splat,
  shC0,
  shRestCount,
} from "./splat.ts";
