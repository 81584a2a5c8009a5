export { workerConfig } from "./config.ts";
export { DeviceError } from "./gpu/index.ts";
export {
  encodeContactSheet,
  encodePng,
  type SheetView,
  writeContactSheet,
  writePng,
} from "./pictures/index.ts";
export {
  createScene,
  createTestSplat,
  orbitCamera,
  psnr,
  type Renderer,
  type RgbImage,
  renderReference,
  startCpuRenderer,
  startGlRenderer,
  type View,
} from "./render/index.ts";
export {
  type Clip,
  defaultModelDir,
  demonstrationNote,
  loadClip,
  negatives,
  readTokenizer,
} from "./score/index.ts";
export {
  defaultProfile,
  loadProfile,
  type Profile,
  ProfileError,
  profilesDir,
  type ScoredAsset,
  type ScoredView,
  type ScoreRequest,
  type Scorer,
  scoreAsset,
  summarise,
  viewsOf,
} from "./scoring/index.ts";
export { type RunningWorker, startWorker, type WorkerOptions } from "./worker/index.ts";
