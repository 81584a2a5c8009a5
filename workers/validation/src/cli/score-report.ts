/** `turntable-worker score --report FILE`: does again what a report says was done, and tells the difference. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { fromJson, type JsonValue } from "@bufbuild/protobuf";
import { type ScoreReport, ScoreReportSchema } from "@turntable/proto";
import { loadProfile, type ScoredAsset, type Scorer, scoreAsset } from "../scoring/index.ts";
import { version } from "../version.ts";

/** A file is no score report, or not one of this asset. */
export class ReportError extends Error {
  override name = "ReportError";
  readonly code = "report";
}

export interface Comparison {
  readonly score: number;
  readonly reportedScore: number;
  /** Absolute. */
  readonly scoreDifference: number;
  /** Absolute, of the view that differs most. */
  readonly largestViewDifference: number;
  /** What was not the same as when the report was made, and so may explain a difference. */
  readonly changed: readonly string[];
}

/** @throws ReportError when the file is not the JSON of a ScoreReport */
export async function readReport(file: string): Promise<ScoreReport> {
  try {
    const json: JsonValue = JSON.parse(await readFile(file, "utf8"));
    return fromJson(ScoreReportSchema, json, { ignoreUnknownFields: true });
  } catch (cause) {
    if (cause instanceof Error && "syscall" in cause) {
      throw cause;
    }
    throw new ReportError(
      `${file} is no score report in JSON: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

/** @throws ReportError when the report is of another asset */
export async function scoreAgain(
  report: ScoreReport,
  bytes: Uint8Array,
  scorer: Scorer,
): Promise<Comparison> {
  const sha256 = createHash("sha256").update(bytes).digest();
  if (!sha256.equals(report.assetSha256)) {
    throw new ReportError(
      `the report is of an asset with the SHA-256 ${hex(report.assetSha256)}, not ${hex(sha256)}`,
    );
  }
  const scored = await scoreAsset(scorer, {
    bytes,
    prompt: report.prompt,
    profile: await loadProfile(report.profile),
    cameraSeed: report.cameraSeed,
  });
  if (scored.views.length !== report.views.length) {
    throw new ReportError(
      `the report has ${report.views.length} views, the profile ${report.profile} has ${scored.views.length}`,
    );
  }
  const differences = scored.views.map(({ probability }, index) =>
    Math.abs(probability - (report.views[index]?.probability ?? Number.NaN)),
  );
  return {
    score: scored.score,
    reportedScore: report.score,
    scoreDifference: Math.abs(scored.score - report.score),
    largestViewDifference: Math.max(...differences),
    changed: whatChanged(report, scored, scorer),
  };
}

function whatChanged(
  { model, renderer, views }: ScoreReport,
  scored: ScoredAsset,
  scorer: Scorer,
): readonly string[] {
  const { clip, renderer: own } = scorer;
  const isMoved = scored.views.some(
    ({ azimuthDeg, elevationDeg }, index) =>
      azimuthDeg !== views[index]?.azimuthDeg || elevationDeg !== views[index]?.elevationDeg,
  );
  return [
    ...(Buffer.from(clip.sha256).equals(model?.sha256 ?? Buffer.alloc(0))
      ? []
      : [
          `model: ${model?.name} (${hex(model?.sha256)}) was ${clip.name} (${hex(clip.sha256)}) here`,
        ]),
    ...(own.backend === renderer?.backend && version === renderer.version
      ? []
      : [`renderer: ${renderer?.backend} ${renderer?.version} was ${own.backend} ${version} here`]),
    ...(isMoved ? ["cameras: the profile gives others for this seed"] : []),
  ];
}

function hex(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? [])
    .toString("hex")
    .slice(0, 16);
}
