/** Which renderer is used. */
import { startCpuRenderer } from "./cpu/index.ts";
import { startGlRenderer } from "./gl/index.ts";
import type { Renderer } from "./renderer.ts";

/** The first is the default. */
export const renderBackends = ["auto", "cpu", "gl"] as const;
export type RenderBackend = (typeof renderBackends)[number];

/**
 * `auto` is `cpu`: the `gl` backend is held to its pictures, not they to it.
 * @param threads of the `cpu` backend
 * @throws DeviceError when `gl` is asked for and cannot be had
 */
export async function startRenderer(backend: RenderBackend, threads: number): Promise<Renderer> {
  switch (backend) {
    case "auto":
    case "cpu":
      return await startCpuRenderer(threads);
    case "gl":
      return await startGlRenderer();
    default:
      throw new TypeError(`unknown backend ${String(backend satisfies never)}`);
  }
}
