/** A result as large as a real one, for workers that look at nothing. */
import { create } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { type RenderScoreJob, RenderScoreResultSchema, ScoreReportSchema } from "@turntable/proto";
import { geometryBytes, geometryLength } from "@turntable/splat/fingerprint";

const views = 36;
const score = 0.9;

export function simulatedResult(job: RenderScoreJob, workerId: string) {
  const { jobId, taskId, submissionId, replica, prompt, profile, acceptance, assetSha256 } = job;
  const value = create(ScoreReportSchema, {
    ...{ jobId, taskId, submissionId, prompt, profile, acceptance, assetSha256, score, workerId },
    views: Array.from({ length: views }, (_, view) => ({
      azimuthDeg: view * (360 / views),
      elevationDeg: Math.round(Math.random() * 30),
      probability: score + (Math.random() - 0.5) / 10,
    })),
    model: {
      name: "simulated",
      sha256: new Uint8Array(32),
      files: ["text_model.onnx", "vision_model.onnx"],
    },
    renderer: { backend: "simulated", version: "0.0.0" },
    timings: { fetchMs: 10, decodeMs: 10.5, renderMs: 600.5, scoreMs: 900.5, totalMs: 1521.5 },
    createTime: timestampNow(),
  });
  // Of an object that nobody else has.
  const geometry = geometryBytes(
    Float32Array.from({ length: geometryLength }, () => Math.random() * 10),
  );
  const outcome = { case: "scored" as const, value };
  return create(RenderScoreResultSchema, {
    ...{ jobId, submissionId, replica, workerId, attempt: 1, outcome, geometry },
  });
}
