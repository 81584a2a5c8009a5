/**
 * Splats on the GPU by Spark, set up to show what the scoring rasteriser draws: its blur of 0.3 pixels², its least
 * opacity, no blur that keeps the opacity, splats in the order of their depth along the view, positions in single
 * precision. This module is what makes the viewer large, so it is loaded when there is WebGL and something to look at.
 */
import { SparkRenderer, SplatMesh } from "@sparkjsdev/spark";
import { Color, PerspectiveCamera, Scene, SRGBColorSpace, Vector2, WebGLRenderer } from "three";
import type { Rgb, Stage, StageCamera } from "./stage.ts";

/** As in workers/validation/src/render/constants.ts. */
const blurVariance = 0.3;
const leastAlpha = 1 / 255;
/** Where an opacity of 1 has fallen to `leastAlpha`, in deviations. */
const mostDeviations = Math.sqrt(2 * Math.log(1 / leastAlpha));
const nearPlane = 0.01;
const farPlane = 10_000;
const degrees = Math.PI / 180;

/**
 * @param ply the splats
 * @param onLost called when the GPU is taken away
 * @throws Error when there is no WebGL 2
 */
export async function createSparkStage(
  canvas: HTMLCanvasElement,
  ply: Uint8Array,
  fovyDeg: number,
  onLost: () => void,
): Promise<Stage> {
  const renderer = new WebGLRenderer({ canvas, antialias: false, alpha: true });
  renderer.setPixelRatio(1);
  const scene = new Scene();
  const camera = new PerspectiveCamera(fovyDeg, 1, nearPlane, farPlane);
  const spark = new SparkRenderer({
    renderer,
    onDirty: () => request(),
    preBlurAmount: blurVariance,
    blurAmount: 0,
    maxStdDev: mostDeviations,
    minAlpha: leastAlpha,
    sortRadial: false,
    accumExtSplats: true,
    enableLod: false,
    enableDriveLod: false,
  });
  scene.add(spark);
  const mesh = new SplatMesh({ fileBytes: ply, fileName: "asset.ply", extSplats: true });
  scene.add(mesh);

  let [frame, isBusy, isDisposed] = [0, false, false];
  /** Resolves when no picture is being made: they share the canvas. */
  let pictures: Promise<unknown> = Promise.resolve();
  /** What is to be seen; while a picture is made it waits. */
  const wanted: Wanted = { eye: undefined, width: 1, height: 1, background: [1, 1, 1] };
  const apply = ({ eye, width, height, background }: Wanted): void => {
    const size = renderer.getSize(new Vector2());
    if (size.x !== width || size.y !== height) {
      renderer.setSize(width, height, false);
      camera.aspect = width / height;
      // The square that was scored is always to be seen.
      const across = Math.tan((fovyDeg / 2) * degrees);
      camera.fov = (2 * Math.atan(across / Math.min(1, camera.aspect))) / degrees;
      camera.updateProjectionMatrix();
    }
    const colour = new Color().setRGB(...(background ?? [0, 0, 0]), SRGBColorSpace);
    renderer.setClearColor(colour, background === undefined ? 0 : 1);
    if (eye !== undefined) {
      place(camera, eye);
    }
  };
  const request = (): void => {
    if (frame === 0 && !isDisposed) {
      frame = requestAnimationFrame(() => {
        frame = 0;
        if (!isBusy) {
          apply(wanted);
          renderer.render(scene, camera);
        }
      });
    }
  };
  const onContextLost = (event: Event): void => {
    event.preventDefault();
    if (!isDisposed) {
      onLost();
    }
  };
  canvas.addEventListener("webglcontextlost", onContextLost);
  const take = async (eye: StageCamera, size: number): Promise<ImageData> => {
    isBusy = true;
    try {
      await sorted(spark);
      spark.autoUpdate = false;
      apply({ eye, width: size, height: size, background: wanted.background ?? [1, 1, 1] });
      await spark.update({ scene, camera });
      renderer.render(scene, camera);
      return readPicture(renderer, size);
    } finally {
      spark.autoUpdate = true;
      isBusy = false;
      request();
    }
  };
  const stage: Stage = {
    drawnBy: "Spark on the GPU",
    look(to) {
      wanted.eye = to;
      request();
    },
    resize(width, height) {
      wanted.width = width;
      wanted.height = height;
      request();
    },
    setBackground(to) {
      wanted.background = to;
      request();
    },
    picture(eye, size) {
      const made = pictures.then(() => take(eye, size));
      pictures = made.catch(() => undefined);
      return made;
    },
    [Symbol.dispose]() {
      isDisposed = true;
      cancelAnimationFrame(frame);
      canvas.removeEventListener("webglcontextlost", onContextLost);
      spark.autoUpdate = false;
      // What is sorted now would fail, and nobody waits for it to hear so.
      const end = (): void => {
        mesh.dispose();
        spark.dispose();
        renderer.dispose();
        // Browsers give few contexts to a page, and take the oldest away instead of collecting those left behind.
        renderer.forceContextLoss();
      };
      sorted(spark).then(end, end);
    },
  };
  try {
    await mesh.initialized;
  } catch (error) {
    stage[Symbol.dispose]();
    throw error;
  }
  return stage;
}

interface Wanted {
  eye: StageCamera | undefined;
  /** In device pixels. */
  width: number;
  height: number;
  background: Rgb | undefined;
}

/** How often it is looked whether a sort has ended, and for how long: it takes seconds where all is slow. */
const sortLookMs = 4;
const longestSortMs = 60_000;

/** @throws Error when the GPU does not answer any more */
async function sorted(spark: SparkRenderer): Promise<void> {
  const since = performance.now();
  while (spark.sorting) {
    if (performance.now() - since > longestSortMs) {
      throw new Error("The GPU does not answer.");
    }
    await new Promise((resolve) => setTimeout(resolve, sortLookMs));
  }
}

function place(camera: PerspectiveCamera, to: StageCamera): void {
  const [azimuth, elevation] = [to.azimuthDeg * degrees, to.elevationDeg * degrees];
  const [x, y, z] = to.target;
  camera.position.set(
    x + to.radius * Math.cos(elevation) * Math.sin(azimuth),
    y - to.radius * Math.sin(elevation),
    z + to.radius * Math.cos(elevation) * Math.cos(azimuth),
  );
  camera.lookAt(x, y, z);
  camera.updateMatrixWorld();
}

/** What was drawn last, which WebGL has upside down. */
function readPicture(renderer: WebGLRenderer, size: number): ImageData {
  const gl = renderer.getContext();
  const pixels = new Uint8Array(size * size * 4);
  gl.readPixels(0, 0, size, size, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
  const picture = new ImageData(size, size);
  for (let row = 0; row < size; row++) {
    const from = (size - 1 - row) * size * 4;
    picture.data.set(pixels.subarray(from, from + size * 4), row * size * 4);
  }
  return picture;
}
