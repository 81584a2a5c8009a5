/** Which renderer is used. */
import { DeviceError, type Environment } from "../gpu/index.ts";
import { startCpuRenderer } from "./cpu/index.ts";
import { startGlRenderer } from "./gl/index.ts";
import type { Renderer } from "./renderer.ts";
import { startWebgpuRenderer } from "./webgpu/index.ts";

/** The first is the default. */
export const renderBackends = ["auto", "cpu", "webgpu", "gl"] as const;
export type RenderBackend = (typeof renderBackends)[number];

export interface RendererOptions {
  readonly backend: RenderBackend;
  /** The variables of a process that draws on a GPU: usually all that this process has. */
  readonly env: Environment;
  /** How many threads the `cpu` backend draws with. */
  readonly threads: number;
  /** Index or part of the name of the GPU for `webgpu`; the fastest when absent. What runs the model may use it as well. */
  readonly gpu?: string | undefined;
  /** Whether `webgpu` may run on a driver that computes on the CPU. */
  readonly allowSoftwareGpu?: boolean | undefined;
  /** Told why `auto` does not use a GPU. */
  readonly onPassedOver?: (error: DeviceError) => void;
}

/**
 * `auto` is `webgpu` where there is a GPU that draws as it should, else `cpu`; where a GPU was named it must be that.
 * @throws DeviceError when what was asked for cannot be had
 */
export async function startRenderer(options: RendererOptions): Promise<Renderer> {
  const { backend, env, threads, gpu, allowSoftwareGpu: allowSoftware } = options;
  switch (backend) {
    case "auto":
      try {
        return await startWebgpuRenderer({ env, gpu, allowSoftware });
      } catch (error) {
        if (!(error instanceof DeviceError) || gpu !== undefined) {
          throw error;
        }
        options.onPassedOver?.(error);
        return await startCpuRenderer(threads);
      }
    case "cpu":
      return await startCpuRenderer(threads);
    case "webgpu":
      return await startWebgpuRenderer({ env, gpu, allowSoftware });
    case "gl":
      return await startGlRenderer(env);
    default:
      throw new TypeError(`unknown backend ${String(backend satisfies never)}`);
  }
}
