export {
  type Fingerprint,
  fingerprint,
  type GeometryFingerprint,
  geometryBytes,
  geometryLength,
  geometryOf,
  isSame,
  logSizeTolerance,
  parseGeometry,
  similarity,
} from "./fingerprint.ts";
