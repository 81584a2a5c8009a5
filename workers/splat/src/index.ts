export { readDotSplat, writeDotSplat } from "./dot-splat.ts";
export {
  type Fingerprint,
  fingerprint,
  type GeometryFingerprint,
  geometryBytes,
  geometryOf,
  isSame,
  similarity,
} from "./fingerprint/index.ts";
export { standIn } from "./foreign.ts";
export { writeGlb } from "./glb/writer.ts";
export { type AssetInfo, assetInfoOf, type Histogram } from "./inspect.ts";
export {
  defaultLintLimits,
  type Finding,
  type LintCode,
  type LintLimits,
  lint,
  lintCodes,
  type Measures,
  measure,
  rejectByLint,
} from "./lint/index.ts";
export { readPly } from "./ply/reader.ts";
export { writePly } from "./ply/writer.ts";
export { type AnySplat, type ReadAnySplatOptions, readAnySplat } from "./read-any.ts";
export { type AssetFormat, formatOf, type ReadAssetOptions, readAsset } from "./read-asset.ts";
export { type Dropped, repairSplat } from "./repair.ts";
export { shC1, shC2, shC3, writeShBasis } from "./spherical-harmonics.ts";
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
export { createSplat } from "./splats.ts";
export type { SpzVersion } from "./spz/format.ts";
export { readSpz } from "./spz/reader.ts";
export { type WriteSpzOptions, writeSpz } from "./spz/writer.ts";
export {
  type Matrix3,
  multiply,
  rotationAround,
  type Similarity,
  transformSplat,
} from "./transform/index.ts";
