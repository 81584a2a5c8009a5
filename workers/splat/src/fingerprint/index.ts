export {
  type Fingerprint,
  fingerprint,
  type GeometryFingerprint,
  geometryOf,
  isSame,
  similarity,
} from "./fingerprint.ts";
