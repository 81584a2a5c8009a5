import type { Camera } from "./camera.ts";
import type { RgbImage } from "./image.ts";
import type { Scene } from "./scene.ts";

/** Something that makes pictures of a scene. One asset at a time. */
export interface Renderer extends AsyncDisposable {
  /** `cpu`, `webgpu` or `gl`; goes into the report. */
  readonly backend: string;
  /** What it runs on, where that is not this machine's CPU. */
  readonly device?: string;
  /** `AVX2` or `WebAssembly`, where it is this machine's CPU: the pictures are the same, the time is not. */
  readonly instructions?: string;
  /** Its pictures agree with the reference less closely than asked for; goes into the report. */
  readonly approximate: boolean;
  /**
   * @param background r, g, b in 0 to 1
   * @returns one picture a camera, in the cameras' order
   */
  render(
    scene: Scene,
    cameras: readonly Camera[],
    background: readonly [number, number, number],
    options?: RenderOptions,
  ): Promise<readonly RgbImage[]>;
  /**
   * Takes back the pictures of one render, which nobody looks at any more: later ones are drawn over them. That spares
   * the garbage collector what an asset's pictures weigh.
   */
  recycle?(images: readonly RgbImage[]): void;
}

export interface RenderOptions {
  /** Called as each view is finished, in any order. */
  readonly onView?: (index: number, image: RgbImage) => void;
  readonly signal?: AbortSignal;
}
