/** What scoring an asset produced, as the report that the coordinator signs. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import {
  LintSeverity,
  type ScoreReport,
  ScoreReportSchema,
  subnetAcceptance,
} from "@turntable/proto";
import { version } from "../version.ts";
import type { ScoredAsset, ScoreRequest, Scorer } from "./score-asset.ts";

const severities = { error: LintSeverity.ERROR, warning: LintSeverity.WARNING } as const;

/** @param more what only the caller knows: ids, who did it, other durations */
export function createReport(
  scored: ScoredAsset,
  request: Pick<ScoreRequest, "prompt" | "profile" | "cameraSeed">,
  { clip, renderer }: Pick<Scorer, "clip" | "renderer">,
  more: Exclude<MessageInitShape<typeof ScoreReportSchema>, ScoreReport> = {},
): ScoreReport {
  const { decodeMs, renderMs, scoreMs } = scored;
  const acceptance = more.acceptance || subnetAcceptance;
  return create(ScoreReportSchema, {
    prompt: request.prompt,
    profile: request.profile.name,
    cameraSeed: request.cameraSeed,
    views: scored.views.map(({ azimuthDeg, elevationDeg, probability }) => ({
      azimuthDeg,
      elevationDeg,
      probability,
    })),
    model: {
      name: clip.name,
      sha256: clip.sha256,
      demonstration: clip.demonstration,
      files: [...clip.files],
      pictureSettings: clip.pictureSettings ?? "",
    },
    renderer: { backend: renderer.backend, version, approximate: renderer.approximate },
    assetSha256: scored.assetSha256,
    splatCount: BigInt(scored.splatCount),
    score: scored.score,
    findings: scored.findings.map(({ severity, ...finding }) => ({
      ...finding,
      severity: severities[severity],
    })),
    lowViewShare:
      scored.views.filter(({ probability }) => probability < acceptance).length /
      scored.views.length,
    createTime: timestampNow(),
    unknownWords: [...clip.unknownWords(request.prompt)],
    ...more,
    acceptance,
    timings: { decodeMs, renderMs, scoreMs, ...more.timings },
  });
}
