/** The scored views, drawn off the main thread by the rasteriser that scores: at the profile's size bit for bit. */
import { openAsset } from "./asset.ts";
import type { DrawContactSheet } from "./contract.ts";
import { scoringRuleOf } from "./scoring-rule.ts";

export const drawContactSheet: DrawContactSheet = async (options) => {
  const { bytes, cameras, signal, onView } = options;
  const rule = scoringRuleOf(options.profile);
  using asset = await openAsset(bytes, "", signal);
  for (const [view, { azimuthDeg, elevationDeg }] of cameras.entries()) {
    signal.throwIfAborted();
    const { radius, background } = rule;
    const size = options.sizePixels;
    const eye = { azimuthDeg, elevationDeg, radius, target: [0, 0, 0] } as const;
    onView(view, await asset.draw({ ...eye, size, background, rule }));
  }
};
