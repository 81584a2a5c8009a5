// The page that Chromium shows: asset.ply by Spark, a view at a time, on white.
import { SparkRenderer, SplatMesh } from "@sparkjsdev/spark";
import * as THREE from "three";

let renderer;
let spark;
let camera;
let scene;

window.start = async (size, fovyDeg, matching) => {
  const canvas = document.querySelector("canvas");
  renderer = new THREE.WebGLRenderer({ canvas, antialias: false, preserveDrawingBuffer: true });
  renderer.setPixelRatio(1);
  renderer.setSize(size, size, false);
  renderer.setClearColor(0xffffff, 1);
  scene = new THREE.Scene();
  camera = new THREE.PerspectiveCamera(fovyDeg, 1, 0.01, 100);
  const settings = matching
    ? {
        preBlurAmount: 0.3,
        blurAmount: 0,
        maxStdDev: 3,
        minAlpha: 1 / 255,
        sortRadial: false,
      }
    : {};
  spark = new SparkRenderer({ renderer, autoUpdate: false, ...settings });
  scene.add(spark);
  const fileBytes = new Uint8Array(await (await fetch("/asset.ply")).arrayBuffer());
  const mesh = new SplatMesh({ fileBytes, fileName: "asset.ply", extSplats: matching });
  scene.add(mesh);
  await mesh.initialized;
};

window.render = async ({ azimuthDeg, elevationDeg, radius }) => {
  const azimuth = (azimuthDeg * Math.PI) / 180;
  const elevation = (elevationDeg * Math.PI) / 180;
  camera.position.set(
    radius * Math.cos(elevation) * Math.sin(azimuth),
    -radius * Math.sin(elevation),
    radius * Math.cos(elevation) * Math.cos(azimuth),
  );
  camera.lookAt(0, 0, 0);
  camera.updateMatrixWorld();
  await spark.update({ scene, camera });
  renderer.render(scene, camera);
  renderer.getContext().finish();
};

window.renderAndRead = async (view) => {
  await window.render(view);
  const gl = renderer.getContext();
  const { width, height } = gl.canvas;
  const pixels = new Uint8Array(width * height * 4);
  gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
  return pixels.toBase64();
};
