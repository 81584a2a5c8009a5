export {
  createProfiles,
  defaultProfile,
  loadProfile,
  type Profile,
  ProfileError,
  profilesDir,
  summarise,
} from "./profile.ts";
export { createReport } from "./report.ts";
export {
  type PreparedAsset,
  prepareAsset,
  type ScoredAsset,
  type ScoredView,
  type ScoreRequest,
  type Scorer,
  scoreAsset,
  scorePrepared,
} from "./score-asset.ts";
export { stageSpans, startStages } from "./stages.ts";
export { type ViewsOfProfile, viewsOf } from "./views.ts";
