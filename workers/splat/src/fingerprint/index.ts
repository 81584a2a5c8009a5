export {
  type Fingerprint,
  fingerprint,
  type GeometryFingerprint,
  geometryBytes,
  geometryOf,
  isSame,
  logSizeTolerance,
  parseGeometry,
  similarity,
} from "./fingerprint.ts";
