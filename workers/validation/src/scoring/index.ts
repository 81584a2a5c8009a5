export {
  createProfiles,
  defaultProfile,
  loadProfile,
  type Profile,
  ProfileError,
  profilesDir,
  summarise,
  viewsOf,
} from "./profile.ts";
export { createReport } from "./report.ts";
export {
  type ScoredAsset,
  type ScoredView,
  type ScoreRequest,
  type Scorer,
  scoreAsset,
} from "./score-asset.ts";
export { stageSpans, startStages } from "./stages.ts";
