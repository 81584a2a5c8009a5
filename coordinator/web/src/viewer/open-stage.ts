/** The GPU where there is one that can be had, else the rasteriser that scores. */
import type { Asset } from "./asset.ts";
import { createCpuStage } from "./cpu-stage.ts";
import type { Panel } from "./panel.ts";
import type { ScoringRule } from "./scoring-rule.ts";
import type { Stage } from "./stage.ts";

export interface OpenStageOptions {
  readonly panel: Panel;
  readonly asset: Asset;
  readonly rule: ScoringRule;
  readonly signal: AbortSignal;
  /** Called when the GPU is taken away: the stage is no good any more. */
  readonly onLost: () => void;
  readonly onFailed: (error: unknown) => void;
}

export async function openStage(options: OpenStageOptions): Promise<Stage> {
  const { panel, asset, rule, signal, onLost } = options;
  if (hasWebGl()) {
    const [ply, { createSparkStage }] = await Promise.all([
      asset.ply(rule),
      import("./spark-stage.ts"),
    ]);
    signal.throwIfAborted();
    try {
      return await createSparkStage(panel.canvas, ply, rule.fovyDeg, onLost);
    } catch (error) {
      console.warn("The GPU could not be used:", error);
    }
    signal.throwIfAborted();
  }
  return withoutGpu(options);
}

/** On a canvas of its own: one that was asked for WebGL gives no other context. */
export function withoutGpu({ panel, asset, rule, onFailed }: OpenStageOptions): Stage {
  return createCpuStage(panel.renewCanvas(), asset, rule, onFailed);
}

function hasWebGl(): boolean {
  const context = document.createElement("canvas").getContext("webgl2");
  context?.getExtension("WEBGL_lose_context")?.loseContext();
  return context !== null;
}
