/**
 * Draws views of one scene with three: splats as instances of a box, blended far to near over the background.
 *
 * P1 The sums lie in half floats. Far to near, each splat also damps the rounding of those behind it by 1 − α; near
 *    to far was measured 8 dB worse. They are sums of colour − 0.5: half floats are finest around 0.
 * P2 A picture is given out only when all its pixels were drawn and the device reports no error.
 */
import * as three from "three";
import { DeviceError } from "../../gpu/errors.ts";
import { jacobianLimit } from "../constants.ts";
import { drawnRgb } from "../remote/drawn-rgb.ts";
import type { Painter } from "../remote/serve-painter.ts";
import type { Scene } from "../scene.ts";
import { createCanvas, type Gl, type GlContext } from "./context.ts";
import { writeDepthOrder } from "./depth-order.ts";
import { finishFragment, finishVertex, splatFragment, splatVertex, sumOrigin } from "./shaders.ts";
import { packTexels } from "./texels.ts";

/** The box of a splat, and of the whole picture: two triangles over the unit square. */
const corners = Float32Array.of(0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 1, 0);
const cornerIndices = [0, 1, 2, 2, 1, 3];

/** Its pictures are given out by P2. */
export function createPainter({ gl, device }: GlContext): Painter {
  const renderer = createRenderer(gl);
  const camera = new three.Camera();
  const ground = new three.Color();
  const uniforms = {
    splats: new three.Uniform(new three.DataTexture()),
    perSplat: new three.Uniform(1),
    perRow: new three.Uniform(1),
    shDegree: new three.Uniform(0),
    isUnclamped: new three.Uniform(false),
    right: new three.Uniform(new three.Vector3()),
    down: new three.Uniform(new three.Vector3()),
    forward: new three.Uniform(new three.Vector3()),
    eye: new three.Uniform(new three.Vector3()),
    focal: new three.Uniform(1),
    centre: new three.Uniform(0),
    jacobianLimit: new three.Uniform(1),
    size: new three.Uniform(1),
  };
  const blend = new three.RawShaderMaterial({
    ...material(splatVertex, splatFragment, uniforms),
    transparent: true,
    blending: three.CustomBlending,
    blendSrc: three.OneFactor, // the shader multiplies by α
    blendDst: three.OneMinusSrcAlphaFactor,
  });
  const finish = {
    blended: new three.Uniform<three.Texture | null>(null),
  };
  const finishScene = sceneOf(
    box(new three.BufferGeometry()),
    new three.RawShaderMaterial(material(finishVertex, finishFragment, finish)),
  );
  let splats = box(new three.InstancedBufferGeometry());
  let splatScene = sceneOf(splats, blend);
  let order = new Float32Array(0);
  let orderAttribute = new three.InstancedBufferAttribute(order, 1);
  let current: Scene | undefined;
  let targets = createTargets(1);

  return {
    device,
    setScene(scene) {
      uniforms.splats.value.dispose();
      splats.dispose();
      const { texels, width, height, perSplat, perRow } = packTexels(scene);
      if (height > renderer.capabilities.maxTextureSize) {
        const message = `${scene.count} splats do not fit into a texture of this device`;
        throw new DeviceError("too-large", message);
      }
      const texture = new three.DataTexture(
        texels,
        width,
        height,
        three.RGBAFormat,
        three.FloatType,
      );
      texture.needsUpdate = true;
      uniforms.splats.value = texture;
      uniforms.perSplat.value = perSplat;
      uniforms.perRow.value = perRow;
      uniforms.shDegree.value = scene.shDegree;
      uniforms.isUnclamped.value = scene.isUnclamped;
      order = new Float32Array(scene.count);
      orderAttribute = new three.InstancedBufferAttribute(order, 1);
      orderAttribute.setUsage(three.DynamicDrawUsage);
      splats = box(new three.InstancedBufferGeometry());
      splats.setAttribute("splat", orderAttribute);
      splatScene = sceneOf(splats, blend);
      current = scene;
    },

    paint(view, background) {
      if (current === undefined) {
        throw new TypeError("there is no scene yet");
      }
      const { rotation, size } = view;
      if (targets.size !== size) {
        targets.dispose();
        targets = createTargets(size);
      }
      uniforms.right.value.fromArray(rotation, 0);
      uniforms.down.value.fromArray(rotation, 3);
      uniforms.forward.value.fromArray(rotation, 6);
      uniforms.eye.value.fromArray(view.eye);
      uniforms.focal.value = view.focal;
      uniforms.centre.value = view.centre;
      uniforms.jacobianLimit.value = jacobianLimit * view.tanHalfFov;
      uniforms.size.value = size;
      splats.instanceCount = writeDepthOrder(order, current, view);
      orderAttribute.needsUpdate = true;

      renderer.setRenderTarget(targets.blended);
      const [red, green, blue] = background;
      ground.setRGB(red - sumOrigin, green - sumOrigin, blue - sumOrigin);
      renderer.setClearColor(ground, 1);
      renderer.clear();
      if (splats.instanceCount > 0) {
        renderer.render(splatScene, camera);
      }
      finish.blended.value = targets.blended.texture;
      renderer.setRenderTarget(targets.bytes);
      renderer.setClearColor(0x000000, 0);
      renderer.clear();
      renderer.render(finishScene, camera);
      const rgba = new Uint8Array(size * size * 4);
      renderer.readRenderTargetPixels(targets.bytes, 0, 0, size, size, rgba);
      return { width: size, height: size, pixels: checkedRgb(gl, rgba) };
    },
  };
}

/** Drops alpha, which the last pass sets to 255 in every pixel, P2. */
function checkedRgb(gl: Gl, rgba: Uint8Array): Uint8Array {
  const error = gl.getError();
  if (error !== gl.NO_ERROR || gl.isContextLost()) {
    throw new DeviceError("lost", `the device reports error ${error}`);
  }
  return drawnRgb(rgba);
}

function createRenderer(gl: Gl): three.WebGLRenderer {
  const options: three.WebGLRendererParameters = {};
  // Neither type is of the browser's that three asks for; both do what it uses of them.
  Object.assign(options, { canvas: createCanvas(gl), context: gl });
  const renderer = new three.WebGLRenderer(options);
  renderer.autoClear = false;
  renderer.debug.onShaderError = (_gl, program, vertex, fragment) => {
    const logs = [
      gl.getProgramInfoLog(program),
      ...[vertex, fragment].map((s) => gl.getShaderInfoLog(s)),
    ];
    throw new DeviceError("lost", `the device refuses a shader: ${logs.join(" ").trim()}`);
  };
  return renderer;
}

interface Targets {
  readonly size: number;
  readonly blended: three.WebGLRenderTarget;
  readonly bytes: three.WebGLRenderTarget;
  dispose(): void;
}

function createTargets(size: number): Targets {
  const plain = {
    depthBuffer: false,
    generateMipmaps: false,
    minFilter: three.NearestFilter,
    magFilter: three.NearestFilter,
  } as const;
  const blended = new three.WebGLRenderTarget(size, size, { ...plain, type: three.HalfFloatType });
  const bytes = new three.WebGLRenderTarget(size, size, plain);
  return {
    size,
    blended,
    bytes,
    dispose() {
      blended.dispose();
      bytes.dispose();
    },
  };
}

function box<Geometry extends three.BufferGeometry>(geometry: Geometry): Geometry {
  geometry.setAttribute("position", new three.BufferAttribute(corners, 3));
  geometry.setIndex(cornerIndices);
  return geometry;
}

function sceneOf(geometry: three.BufferGeometry, surface: three.Material): three.Scene {
  const mesh = new three.Mesh(geometry, surface);
  mesh.frustumCulled = false;
  return new three.Scene().add(mesh);
}

function material(
  vertexShader: string,
  fragmentShader: string,
  uniforms: Readonly<Record<string, three.IUniform>>,
): three.ShaderMaterialParameters {
  return {
    glslVersion: three.GLSL3,
    vertexShader,
    fragmentShader,
    uniforms: { ...uniforms },
    depthTest: false,
    depthWrite: false,
    side: three.DoubleSide,
  };
}
