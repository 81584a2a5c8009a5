/** What the thread or process of a model does with a request. */
import type { InferenceRequest } from "./inference-messages.ts";
import type { Towers } from "./towers.ts";

export function rowsOf(
  towers: Towers,
  request: InferenceRequest,
): Promise<readonly Float32Array[]> {
  switch (towers.layout) {
    case "split":
      if (request.kind === "embedTexts") {
        return towers.embedTexts(request.texts);
      }
      if (request.kind === "embedImages") {
        return towers.embedImages(request.images);
      }
      break;
    case "combined":
      if (request.kind === "compare") {
        return towers.compare(request.images, request.texts);
      }
      break;
    default:
      throw new TypeError(`unknown layout ${String(towers satisfies never)}`);
  }
  throw new TypeError(`${request.kind} was asked of a ${towers.layout} model`);
}
