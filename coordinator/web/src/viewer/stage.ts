/** Where splats are drawn on the page; one on the GPU, one without. */

/** An eye that looks at `target`; angles as in scored cameras. */
export interface StageCamera {
  readonly azimuthDeg: number;
  /** Negative looks from above. */
  readonly elevationDeg: number;
  readonly radius: number;
  readonly target: readonly [number, number, number];
}

/** Red, green, blue, 0 to 1. */
export type Rgb = readonly [number, number, number];

export interface Stage extends Disposable {
  /** For people: what draws. */
  readonly drawnBy: string;
  /** Draws from there as soon as it can; a camera that was overtaken is left out. */
  look(camera: StageCamera): void;
  /** @param width and height in device pixels */
  resize(width: number, height: number): void;
  /** @param background undefined lets the page be seen through */
  setBackground(background: Rgb | undefined): void;
  /** A square picture, on white where the background is not a colour. @param size in pixels along an edge */
  picture(camera: StageCamera, size: number): Promise<ImageData>;
}
