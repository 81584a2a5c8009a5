/**
 * Draws Gaussian splats with WebGL 2, far to near, and turns them slowly until somebody takes hold of them: drag turns,
 * the wheel or two fingers go nearer. The data are the page's own: a `.splat` file (32 bytes a splat), gzip, base64.
 */
const bytesEach = 32;
const fieldOfView = Math.PI / 4;
/** Radians a second: once around in half a minute. */
const turn = (2 * Math.PI) / 30;
/** Splats in a row of the texture; each takes three texels. */
const textureWidth = 1024;
/** Each splat as a quad along the axes of its picture: EWA splatting, as the subnet's renderers do it. */
const vertexSource = `#version 300 es
precision highp float;
precision highp sampler2D;
uniform sampler2D splats;
uniform mat4 view;
uniform float focal;
uniform vec2 viewport;
uniform int width;
in vec2 corner;
in uint index;
out vec2 offset;
out vec4 colour;
void main() {
  ivec2 at = ivec2((int(index) % width) * 3, int(index) / width);
  vec4 first = texelFetch(splats, at, 0);
  vec4 second = texelFetch(splats, at + ivec2(1, 0), 0);
  vec4 third = texelFetch(splats, at + ivec2(2, 0), 0);
  vec3 eye = (view * vec4(first.xyz, 1.0)).xyz;
  float depth = -eye.z;
  gl_Position = vec4(0.0, 0.0, 2.0, 1.0);
  if (depth < 0.01) {
    return;
  }
  mat3 covariance = mat3(
    second.x, second.y, second.z,
    second.y, second.w, third.x,
    second.z, third.x, third.y);
  float pixels = focal * viewport.y / 2.0;
  mat3 turned = mat3(view);
  vec3 jx = vec3(pixels / depth, 0.0, pixels * eye.x / (depth * depth));
  vec3 jy = vec3(0.0, pixels / depth, pixels * eye.y / (depth * depth));
  vec3 ax = transpose(turned) * jx;
  vec3 ay = transpose(turned) * jy;
  vec3 cx = covariance * ax;
  float xx = dot(ax, cx) + 0.3;
  float xy = dot(ay, cx);
  float yy = dot(ay, covariance * ay) + 0.3;
  float middle = (xx + yy) / 2.0;
  float radius = length(vec2((xx - yy) / 2.0, xy));
  float greatest = middle + radius;
  float least = max(middle - radius, 0.1);
  vec2 axis = abs(xy) < 1e-6
    ? (xx >= yy ? vec2(1.0, 0.0) : vec2(0.0, 1.0))
    : normalize(vec2(xy, greatest - xx));
  vec2 major = min(sqrt(2.0 * greatest), 1024.0) * axis;
  vec2 minor = min(sqrt(2.0 * least), 1024.0) * vec2(axis.y, -axis.x);
  vec2 centre = vec2(eye.x * viewport.y / viewport.x, eye.y) * focal / depth;
  offset = corner;
  float blue = third.w;
  float green = floor(third.z / 256.0);
  float red = third.z - green * 256.0;
  colour = vec4(vec3(red, green, blue) / 255.0, first.w);
  gl_Position = vec4(centre + (corner.x * major + corner.y * minor) * 2.0 / viewport, 0.0, 1.0);
}`;

const fragmentSource = `#version 300 es
precision highp float;
in vec2 offset;
in vec4 colour;
out vec4 fragment;
void main() {
  float falloff = -dot(offset, offset);
  if (falloff < -4.0) {
    discard;
  }
  float alpha = colour.a * exp(falloff);
  fragment = vec4(colour.rgb * alpha, alpha);
}`;

const canvas = document.getElementById("view");
const state = document.getElementById("state");

const gl = canvas.getContext("webgl2", { antialias: false });
if (gl === null) {
  state.textContent = "this browser has no WebGL 2";
} else {
  start(await unpacked());
}

async function unpacked() {
  const text = document.getElementById("splats").textContent;
  const packed = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return await new Response(stream).arrayBuffer();
}

function start(buffer) {
  const count = buffer.byteLength / bytesEach;
  const floats = new Float32Array(buffer);
  const bytes = new Uint8Array(buffer);
  const box = boundsOf(floats, count);
  state.textContent = `${count} splats`;

  const program = programOf(vertexSource, fragmentSource);
  gl.useProgram(program);
  gl.enable(gl.BLEND);
  gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  uploadSplats(floats, bytes, count);
  const place = (name) => gl.getUniformLocation(program, name);
  const uniforms = {
    view: place("view"),
    focal: place("focal"),
    viewport: place("viewport"),
    splats: place("splats"),
    width: place("width"),
  };
  gl.uniform1i(uniforms.splats, 0);
  gl.uniform1i(uniforms.width, textureWidth);
  const corners = gl.createBuffer();
  gl.bindBuffer(gl.ARRAY_BUFFER, corners);
  gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([-2, -2, 2, -2, -2, 2, 2, 2]), gl.STATIC_DRAW);
  gl.enableVertexAttribArray(0);
  gl.vertexAttribPointer(0, 2, gl.FLOAT, false, 0, 0);
  const order = gl.createBuffer();
  gl.bindBuffer(gl.ARRAY_BUFFER, order);
  gl.enableVertexAttribArray(1);
  gl.vertexAttribIPointer(1, 1, gl.UNSIGNED_INT, 0, 0);
  gl.vertexAttribDivisor(1, 1);

  const camera = controls(box.radius);
  const sort = sorter(floats, count);
  let before = 0;
  const draw = (now) => {
    camera.advance(before === 0 ? 0 : (now - before) / 1000);
    before = now;
    const ratio = window.devicePixelRatio;
    canvas.width = Math.round(canvas.clientWidth * ratio);
    canvas.height = Math.round(canvas.clientHeight * ratio);
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(1, 1, 1, 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
    const view = camera.view(box.centre);
    gl.bufferData(gl.ARRAY_BUFFER, sort(view), gl.DYNAMIC_DRAW);
    gl.uniformMatrix4fv(uniforms.view, false, view);
    gl.uniform1f(uniforms.focal, 1 / Math.tan(fieldOfView / 2));
    gl.uniform2f(uniforms.viewport, canvas.width, canvas.height);
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, count);
    requestAnimationFrame(draw);
  };
  requestAnimationFrame(draw);
}

/** The middle of the splats and how far most of them reach from it: a few strays must not make the rest small. */
function boundsOf(floats, count) {
  const axes = [0, 1, 2].map((axis) => {
    const sorted = new Float32Array(count).map((_, i) => floats[i * 8 + axis]).sort();
    const at = (share) => sorted[Math.min(count - 1, Math.floor(count * share))] ?? 0;
    return { low: at(0.01), high: at(0.99) };
  });
  const radius = Math.hypot(...axes.map(({ low, high }) => high - low)) / 2;
  return { centre: axes.map(({ low, high }) => (low + high) / 2), radius: radius || 1 };
}

/** Where the camera is: on a sphere around the middle. */
function controls(radius) {
  const camera = { azimuth: 0.6, elevation: 0.3, distance: 3.2 * radius, isHeld: false };
  const pointers = new Map();
  const zoom = (factor) => {
    camera.distance = Math.min(20 * radius, Math.max(0.2 * radius, camera.distance * factor));
  };
  canvas.addEventListener("pointerdown", (event) => {
    camera.isHeld = true;
    pointers.set(event.pointerId, event);
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    const last = pointers.get(event.pointerId);
    if (last === undefined) {
      return;
    }
    const other = [...pointers.values()].find(({ pointerId }) => pointerId !== event.pointerId);
    if (other === undefined) {
      camera.azimuth -= (event.clientX - last.clientX) * 0.008;
      const elevation = camera.elevation + (event.clientY - last.clientY) * 0.008;
      camera.elevation = Math.min(1.5, Math.max(-1.5, elevation));
    } else {
      const apart = ({ clientX, clientY }) =>
        Math.hypot(clientX - other.clientX, clientY - other.clientY);
      zoom(apart(last) / Math.max(1, apart(event)));
    }
    pointers.set(event.pointerId, event);
  });
  for (const name of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(name, (event) => pointers.delete(event.pointerId));
  }
  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      camera.isHeld = true;
      zoom(Math.exp(event.deltaY * 0.001));
    },
    { passive: false },
  );
  return {
    advance(seconds) {
      camera.azimuth += camera.isHeld ? 0 : turn * seconds;
    },
    /** World to camera, column by column; the camera looks along -z and y is up. */
    view([x, y, z]) {
      const { azimuth, elevation, distance } = camera;
      const [sa, ca, se, ce] = [
        Math.sin(azimuth),
        Math.cos(azimuth),
        Math.sin(elevation),
        Math.cos(elevation),
      ];
      const right = [ca, 0, -sa];
      const up = [-se * sa, ce, -se * ca];
      const back = [ce * sa, se, ce * ca];
      const dot = (axis) => axis[0] * x + axis[1] * y + axis[2] * z;
      const rows = [
        [...right, -dot(right)],
        [...up, -dot(up)],
        [...back, -dot(back) - distance],
      ];
      return new Float32Array([
        ...[0, 1, 2, 3].flatMap((column) => [...rows.map((row) => row[column]), 0]).slice(0, 15),
        1,
      ]);
    },
  };
}

/** Indices of the splats, far to near: a counting sort over 65,536 depths. */
function sorter(floats, count) {
  const depths = new Float32Array(count);
  const keys = new Uint16Array(count);
  const order = new Uint32Array(count);
  const starts = new Uint32Array(65_537);
  return (view) => {
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let i = 0; i < count; i++) {
      const at = i * 8;
      const depth = view[2] * floats[at] + view[6] * floats[at + 1] + view[10] * floats[at + 2];
      depths[i] = depth;
      low = Math.min(low, depth);
      high = Math.max(high, depth);
    }
    const scale = 65_535 / (high - low || 1);
    starts.fill(0);
    for (let i = 0; i < count; i++) {
      const key = (depths[i] - low) * scale;
      keys[i] = key;
      starts[keys[i] + 1]++;
    }
    for (let i = 0; i < 65_536; i++) {
      starts[i + 1] += starts[i];
    }
    for (let i = 0; i < count; i++) {
      order[starts[keys[i]]++] = i;
    }
    return order;
  };
}

/** Centre, opacity, the six numbers of the covariance, and the colour (red and green in one number), in three texels a splat. */
function uploadSplats(floats, bytes, count) {
  const rows = Math.max(1, Math.ceil(count / textureWidth));
  const texels = new Float32Array(rows * textureWidth * 12);
  for (let i = 0; i < count; i++) {
    const [x, y, z, sx, sy, sz] = floats.subarray(i * 8, i * 8 + 6);
    const [r, g, b, a, qw, qx, qy, qz] = bytes.subarray(i * bytesEach + 24, i * bytesEach + 32);
    const m = rotationOf([qw, qx, qy, qz].map((part) => (part - 128) / 128));
    const s = [sx * sx, sy * sy, sz * sz];
    const at = (row, column) =>
      m[row * 3] * s[0] * m[column * 3] +
      m[row * 3 + 1] * s[1] * m[column * 3 + 1] +
      m[row * 3 + 2] * s[2] * m[column * 3 + 2];
    const covariance = [at(0, 0), at(0, 1), at(0, 2), at(1, 1), at(1, 2), at(2, 2)];
    texels.set([x, y, z, a / 255, ...covariance, r + g * 256, b], i * 12);
  }
  gl.activeTexture(gl.TEXTURE0);
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA32F, textureWidth * 3, rows, 0, gl.RGBA, gl.FLOAT, texels);
}

/** Row by row, of a quaternion (w, x, y, z) of any length. */
function rotationOf(quaternion) {
  const length = Math.hypot(...quaternion) || 1;
  const [w, x, y, z] = quaternion.map((part) => part / length);
  return [
    1 - 2 * (y * y + z * z),
    2 * (x * y - w * z),
    2 * (x * z + w * y),
    2 * (x * y + w * z),
    1 - 2 * (x * x + z * z),
    2 * (y * z - w * x),
    2 * (x * z - w * y),
    2 * (y * z + w * x),
    1 - 2 * (x * x + y * y),
  ];
}

function programOf(...sources) {
  const program = gl.createProgram();
  for (const [index, source] of sources.entries()) {
    const shader = gl.createShader(index === 0 ? gl.VERTEX_SHADER : gl.FRAGMENT_SHADER);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.bindAttribLocation(program, 0, "corner");
  gl.bindAttribLocation(program, 1, "index");
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
    throw new Error(gl.getProgramInfoLog(program) ?? "the shaders do not link");
  }
  return program;
}
