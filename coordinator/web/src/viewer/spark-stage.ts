/**
 * Splats on the GPU by Spark, set up to show what the scoring rasteriser draws: its blur of 0.3 pixels², its least
 * opacity, no blur that keeps the opacity, splats in the order of their depth along the view, positions in single
 * precision. This module is what makes the viewer large, so it is loaded when there is WebGL and something to look at.
 */
import { SparkRenderer, SplatMesh } from "@sparkjsdev/spark";
import { Color, PerspectiveCamera, Scene, SRGBColorSpace, WebGLRenderer } from "three";
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
  let background: Rgb | undefined = [1, 1, 1];
  const request = (): void => {
    if (frame === 0 && !isBusy && !isDisposed) {
      frame = requestAnimationFrame(() => {
        frame = 0;
        if (!isBusy) {
          renderer.render(scene, camera);
        }
      });
    }
  };
  const clear = (to: Rgb | undefined): void => {
    renderer.setClearColor(new Color().setRGB(...(to ?? [0, 0, 0]), SRGBColorSpace), to ? 1 : 0);
  };
  const onContextLost = (event: Event): void => {
    event.preventDefault();
    if (!isDisposed) {
      onLost();
    }
  };
  canvas.addEventListener("webglcontextlost", onContextLost);
  const stage: Stage = {
    drawnBy: "Spark on the GPU",
    look(to) {
      place(camera, to);
      request();
    },
    resize(width, height) {
      renderer.setSize(width, height, false);
      camera.aspect = width / height;
      // The square that was scored is always to be seen.
      const across = Math.tan((fovyDeg / 2) * degrees);
      camera.fov = (2 * Math.atan(across / Math.min(1, camera.aspect))) / degrees;
      camera.updateProjectionMatrix();
      request();
    },
    setBackground(to) {
      background = to;
      clear(to);
      request();
    },
    async picture(from, size) {
      isBusy = true;
      const { width, height } = canvas;
      const before = camera.clone();
      try {
        await sorted(spark);
        spark.autoUpdate = false;
        stage.resize(size, size);
        clear(background ?? [1, 1, 1]);
        place(camera, from);
        await spark.update({ scene, camera });
        renderer.render(scene, camera);
        return readPicture(renderer, size);
      } finally {
        spark.autoUpdate = true;
        isBusy = false;
        if (!isDisposed) {
          camera.copy(before);
          stage.resize(width, height);
          stage.setBackground(background);
        }
      }
    },
    [Symbol.dispose]() {
      isDisposed = true;
      cancelAnimationFrame(frame);
      canvas.removeEventListener("webglcontextlost", onContextLost);
      spark.autoUpdate = false;
      // What is sorted now would fail, and nobody waits for it to hear so.
      void sorted(spark).then(() => {
        mesh.dispose();
        spark.dispose();
        renderer.dispose();
        // Browsers give few contexts to a page, and take the oldest away instead of collecting those left behind.
        renderer.forceContextLoss();
      });
    },
  };
  try {
    await mesh.initialized;
  } catch (error) {
    stage[Symbol.dispose]();
    throw error;
  }
  clear(background);
  return stage;
}

/** How often it is looked whether a sort has ended, and how often at most: it takes a second where all is slow. */
const sortLookMs = 4;
const mostSortLooks = 2_000;

async function sorted(spark: SparkRenderer): Promise<void> {
  for (let looks = 0; spark.sorting && looks < mostSortLooks; looks++) {
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
