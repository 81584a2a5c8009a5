/** A WebGL 2 context without a window, and the little of a canvas that three asks for. */
import { createRequire } from "node:module";
import { DeviceError } from "../../gpu/errors.ts";

/** WebGL's own constants. */
const glRenderer = 0x1f01;

type CreateContext = typeof import("gl");
export type Gl = ReturnType<CreateContext>;

export interface GlContext {
  readonly gl: Gl;
  /** The device as its driver names it. */
  readonly device: string;
}

/**
 * `ANGLE_DEFAULT_PLATFORM=vulkan` has to be in the process' environment: ANGLE then needs no X server.
 * @throws DeviceError `unavailable` when there is no add-on, or no device that it can use
 */
export function createContext(): GlContext {
  const require = createRequire(import.meta.url);
  let create: CreateContext;
  try {
    create = require("gl");
  } catch (error) {
    throw new DeviceError(
      "unavailable",
      "the gl add-on was not built; see scripts/postinstall.mjs",
      {
        cause: error,
      },
    );
  }
  const gl = create(1, 1, { createWebGL2Context: true });
  if (gl === null) {
    const fix = "install Vulkan with scripts/install-vulkan.sh, or a GPU's Vulkan driver";
    throw new DeviceError("unavailable", `gl finds no device; ${fix}`);
  }
  // gl's own getParameter hides the name; the native one underneath says it.
  const native = require("gl/src/javascript/native-gl.js").gl.getParameter;
  return { gl, device: String(native.call(gl, glRenderer)) };
}

/** What three reads and calls of a canvas that it never shows. */
export function createCanvas(gl: Gl): unknown {
  return {
    width: 1,
    height: 1,
    style: {},
    addEventListener() {},
    removeEventListener() {},
    getContext: () => gl,
  };
}
