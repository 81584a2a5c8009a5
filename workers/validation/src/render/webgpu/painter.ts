/**
 * Draws views of one scene with the rasteriser's six steps as compute shaders.
 *
 * P1 Nothing is allocated for a view: buffers grow when a scene or a view needs more, and are kept. Several views may
 *    be under way; the queue runs them one after another in the same buffers, and each has its own picture.
 * P2 When the lists of the tiles are too short, the view is drawn again with longer ones; beyond `mostPairs` in bands of
 *    tile rows. A picture is given out only when every list was whole and every pixel was drawn and is a number.
 * P3 The same device gives the same bytes again: no sum depends on the order in which threads come.
 */

import { DeviceError } from "../../gpu/errors.ts";
import type { OpenDevice } from "../../gpu/open-device.ts";
import type { Camera } from "../camera.ts";
import { jacobianLimit, nearPlane } from "../constants.ts";
import type { RgbImage } from "../image.ts";
import { drawnRgb } from "../remote/drawn-rgb.ts";
import type { Painter } from "../remote/serve-painter.ts";
import type { Scene } from "../scene.ts";
import { createKernels } from "./kernels.ts";
import { createDeviceMemory, type GrowingBuffer } from "./memory.ts";

export interface WebgpuPainter extends Painter {
  /** Since it was made. */
  readonly work: Readonly<Work>;
}

/** What was computed, whatever it runs on. */
export interface Work {
  /** Pairs of a tile and a splat that were listed. */
  pairs: number;
  /** How often a pixel looked at a splat. */
  evaluations: number;
  /** Copied from the device. */
  readBytes: number;
}

export interface PainterOptions {
  /** Pairs of a tile and a splat that there is room for at first. */
  readonly pairs?: number;
  /** The most that room is ever made for. */
  readonly mostPairs?: number;
}

/** Views that may be under way. */
export const slotCount = 3;

// As in shaders/view.wgsl.
const tileSize = 16;
const threads = 256;
const perBlock = 2048;
const viewBytes = 112;
const listBytes = 16;
/** Bits of a key that one pass of the sort looks at, and what many such passes need of the histogram. */
const digitBits = 4;
const histogramBytesPerBlock = 4 << digitBits;
const depthPasses = 32 / digitBits;
/** From one element of a uniform buffer to the next, in bytes: the alignment that every device accepts. */
const uniformStride = 256;

/** 512 MiB of lists: 30 million pairs is a million splats that each cover 30 tiles. */
const defaultMostPairs = 2 ** 25;
const defaultPairs = 2 ** 20;

/** Tile rows drawn in one go. */
interface Band {
  readonly first: number;
  readonly end: number;
}

/** What is kept of a scene beside what lies on the device. */
interface PaintedScene extends Pick<Scene, "count" | "shDegree" | "isUnclamped"> {
  readonly box: Box;
}

/** Around the centres of all splats. */
interface Box {
  readonly centre: readonly number[];
  readonly half: readonly number[];
}

/** How depths are sorted: their bits less those of a least one, in as many passes as the greatest of them needs. */
interface DepthKeys {
  readonly least: number;
  readonly passes: number;
}

interface Slot {
  readonly picture: GrowingBuffer;
  readonly readback: GrowingBuffer;
  /** Resolves when the slot is free. */
  last: Promise<unknown>;
}

export function createPainter(
  { device, name }: OpenDevice,
  options: PainterOptions = {},
): WebgpuPainter {
  const { queue } = device;
  const kernels = createKernels(device);
  const memory = createDeviceMemory(device);
  const { STORAGE, UNIFORM, COPY_SRC, COPY_DST, MAP_READ, INDIRECT } = GPUBufferUsage;
  const storage = (label: string): GrowingBuffer => memory.create(label, STORAGE);
  const pair = (label: string) => [storage(label), storage(label)] as const;
  const buffers = {
    splats: memory.create("the splats", STORAGE | COPY_DST),
    harmonics: memory.create("the harmonics", STORAGE | COPY_DST),
    projected: storage("projected splats"),
    extents: storage("extents"),
    depths: pair("depths"),
    order: pair("the depth order"),
    blocks: storage("block sums"),
    tiles: pair("the tiles' lists"),
    pairSplats: pair("the tiles' lists"),
    histogram: storage("the sort"),
    ranges: memory.create("the tiles", STORAGE | COPY_DST),
  };
  const viewUniform = memory.create("view", UNIFORM | COPY_DST, viewBytes);
  const shifts = memory.create("shifts", UNIFORM | COPY_DST, depthPasses * uniformStride);
  const splatList = memory.create("splat list", STORAGE | COPY_DST, listBytes);
  const pairList = memory.create("pair list", STORAGE | COPY_SRC | COPY_DST, listBytes);
  const dispatch = memory.create("dispatch", STORAGE | INDIRECT);
  const slots = Array.from(
    { length: slotCount },
    (): Slot => ({
      picture: memory.create("the picture", STORAGE | COPY_SRC | COPY_DST),
      readback: memory.create("the picture", COPY_DST | MAP_READ),
      last: Promise.resolve(),
    }),
  );
  for (let pass = 0; pass < depthPasses; pass++) {
    queue.writeBuffer(shifts.buffer, pass * uniformStride, Uint32Array.of(pass * digitBits));
  }
  const mostPairs = Math.min(options.mostPairs ?? defaultMostPairs, memory.mostBytes / 4);
  const work: Work = { pairs: 0, evaluations: 0, readBytes: 0 };
  const view = new ArrayBuffer(viewBytes);
  const [viewFloats, viewInts] = [new Float32Array(view), new Uint32Array(view)];
  let scene: PaintedScene | undefined;
  let pairCapacity = 0;
  let nextSlot = 0;
  let groups: ReturnType<typeof bind> | undefined;

  async function ensurePairs(pairs: number): Promise<void> {
    if (pairs <= pairCapacity) {
      return;
    }
    const bytes = pairs * 4;
    await memory.ensure([
      ...[...buffers.tiles, ...buffers.pairSplats].map((list) => [list, bytes] as const),
      [buffers.histogram, Math.ceil(pairs / perBlock) * histogramBytesPerBlock],
    ]);
    // Another view may have asked for more meanwhile.
    pairCapacity = Math.max(pairCapacity, pairs);
  }

  function bind(tilePasses: number) {
    const { generation } = memory;
    const group = (
      { layout }: { readonly layout: GPUBindGroupLayout },
      ...bound: readonly (GrowingBuffer | GPUBufferBinding)[]
    ): GPUBindGroup =>
      device.createBindGroup({
        layout,
        entries: bound.map((item, binding) => ({
          binding,
          resource: "sizeBytes" in item ? { buffer: item.buffer } : item,
        })),
      });
    const { splats, harmonics, projected, extents, depths, order } = buffers;
    const { blocks, tiles, pairSplats, histogram, ranges } = buffers;
    type Two = readonly [GrowingBuffer, GrowingBuffer];
    const sortGroup = (list: GrowingBuffer, keys: Two, values: Two, pass: number): GPUBindGroup => {
      const [from, to] = pass % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const);
      const shift = { buffer: shifts.buffer, offset: pass * uniformStride, size: 4 };
      return group(
        kernels.sort,
        shift,
        list,
        ...[keys[from], values[from], keys[to], values[to]],
        histogram,
      );
    };
    const passes = (count: number) => Array.from({ length: count }, (_, pass) => pass);
    // Where the last pass leaves them.
    const sorted = tilePasses % 2 === 0 ? 0 : 1;
    return {
      generation,
      tilePasses,
      project: group(
        kernels.project,
        ...[viewUniform, splats, harmonics, projected, extents, depths[0], order[0]],
      ),
      depthSort: passes(depthPasses).map((pass) => sortGroup(splatList, depths, order, pass)),
      pairs: group(
        kernels.pairs,
        ...[viewUniform, extents, order[0], blocks, pairList, dispatch, tiles[0], pairSplats[0]],
      ),
      tileSort: passes(tilePasses).map((pass) => sortGroup(pairList, tiles, pairSplats, pass)),
      ranges: group(kernels.ranges, pairList, tiles[sorted], ranges),
      raster: slots.map(({ picture }) =>
        group(
          kernels.raster,
          ...[viewUniform, projected, ranges, pairSplats[sorted], pairList, picture],
        ),
      ),
    };
  }

  function writeView(
    camera: Camera,
    background: readonly number[],
    band: Band,
    depths: DepthKeys,
  ): void {
    const { rotation, eye, focal, centre, tanHalfFov, size } = camera;
    viewFloats.set(rotation.slice(0, 3), 0);
    viewFloats[3] = focal;
    viewFloats.set(rotation.slice(3, 6), 4);
    viewFloats[7] = centre;
    viewFloats.set(rotation.slice(6, 9), 8);
    viewFloats[11] = jacobianLimit * tanHalfFov;
    viewFloats.set(eye, 12);
    viewInts[15] = scene?.count ?? 0;
    viewFloats.set(background, 16);
    viewInts[19] = scene?.shDegree ?? 0;
    viewInts[20] = size;
    viewInts[21] = Math.ceil(size / tileSize);
    viewInts[22] = band.first;
    viewInts[23] = band.end;
    viewInts[24] = pairCapacity;
    viewInts[25] = scene?.isUnclamped === true ? 1 : 0;
    viewInts[26] = depths.least;
    queue.writeBuffer(viewUniform.buffer, 0, view);
  }

  /** The steps of a band, and copies of what came of them to where the host can read them. */
  function submit(camera: Camera, background: readonly number[], band: Band, slot: number): void {
    const target = slots[slot];
    if (target === undefined || scene === undefined) {
      throw new TypeError("there is no scene yet");
    }
    const tilesAcross = Math.ceil(camera.size / tileSize);
    const tilePasses = Math.max(1, Math.ceil(Math.log2(tilesAcross ** 2) / digitBits));
    if (groups?.generation !== memory.generation || groups.tilePasses !== tilePasses) {
      groups = bind(tilePasses);
    }
    const bound = groups;
    const pictureBytes = camera.size ** 2 * 4;
    const blocks = Math.ceil(scene.count / perBlock);
    const depths = depthKeysOf(scene.box, camera);
    writeView(camera, background, band, depths);
    const encoder = device.createCommandEncoder();
    encoder.clearBuffer(pairList.buffer);
    encoder.clearBuffer(buffers.ranges.buffer);
    if (band.first === 0) {
      encoder.clearBuffer(target.picture.buffer, 0, pictureBytes);
    }
    const pass = encoder.beginComputePass();
    const run = (
      pipeline: GPUComputePipeline,
      group: GPUBindGroup | undefined,
      size: readonly [number, number?] | "indirect",
    ): void => {
      pass.setPipeline(pipeline);
      if (group !== undefined) {
        pass.setBindGroup(0, group);
      }
      if (size === "indirect") {
        pass.dispatchWorkgroupsIndirect(dispatch.buffer, 0);
      } else {
        pass.dispatchWorkgroups(...size);
      }
    };
    const sort = (group: GPUBindGroup, size: readonly [number] | "indirect"): void => {
      run(kernels.sort.kernels.countDigits, group, size);
      run(kernels.sort.kernels.placeDigits, group, [1]);
      run(kernels.sort.kernels.moveEntries, group, size);
    };
    run(kernels.project.kernels.project, bound.project, [Math.ceil(scene.count / threads)]);
    for (const group of bound.depthSort.slice(0, depths.passes)) {
      sort(group, [blocks]);
    }
    run(kernels.pairs.kernels.sumBlocks, bound.pairs, [blocks]);
    run(kernels.pairs.kernels.placeBlocks, bound.pairs, [1]);
    run(kernels.pairs.kernels.listPairs, bound.pairs, [blocks]);
    for (const group of bound.tileSort) {
      sort(group, "indirect");
    }
    run(kernels.ranges.kernels.findRanges, bound.ranges, "indirect");
    run(kernels.raster.kernels.raster, bound.raster[slot], [tilesAcross, band.end - band.first]);
    pass.end();
    encoder.copyBufferToBuffer(pairList.buffer, 0, target.readback.buffer, 0, listBytes);
    encoder.copyBufferToBuffer(
      ...([target.picture.buffer, 0, target.readback.buffer, listBytes, pictureBytes] as const),
    );
    queue.submit([encoder.finish()]);
  }

  /** P2 */
  async function draw(
    camera: Camera,
    background: readonly number[],
    slot: number,
  ): Promise<RgbImage> {
    const target = slots[slot];
    if (target === undefined) {
      throw new RangeError(`there is no slot ${slot}`);
    }
    const { size } = camera;
    const tilesAcross = Math.ceil(size / tileSize);
    const pictureBytes = size ** 2 * 4;
    await memory.ensure([
      [target.picture, pictureBytes],
      [target.readback, listBytes + pictureBytes],
      [buffers.ranges, tilesAcross ** 2 * 8],
    ]);
    const bands: Band[] = [{ first: 0, end: tilesAcross }];
    for (let band = bands.pop(); band !== undefined; band = bands.pop()) {
      const room = pairCapacity;
      submit(camera, background, band, slot);
      await target.readback.buffer.mapAsync(GPUMapMode.READ, 0, listBytes + pictureBytes);
      const seen = target.readback.buffer.getMappedRange(0, listBytes + pictureBytes);
      const [pairs = 0, , wanted = 0, evaluations = 0] = new Uint32Array(seen, 0, 4);
      work.pairs += pairs;
      work.evaluations += evaluations;
      work.readBytes += seen.byteLength;
      const pixels =
        wanted <= room && bands.length === 0
          ? drawnRgb(new Uint8Array(seen, listBytes, pictureBytes))
          : undefined;
      target.readback.buffer.unmap();
      if (pixels !== undefined) {
        return { width: size, height: size, pixels };
      }
      if (wanted <= room) {
        continue;
      }
      bands.push(...(await withRoomFor(wanted, band)));
    }
    throw new TypeError("the last band is always drawn");
  }

  /** Bands that can be drawn instead of one that wanted so many pairs; the last comes first. */
  async function withRoomFor(wanted: number, band: Band): Promise<readonly Band[]> {
    if (wanted <= mostPairs) {
      // The next view may want a little more.
      await ensurePairs(Math.min(mostPairs, Math.ceil(wanted * 1.25)));
      return [band];
    }
    if (band.end - band.first === 1) {
      const message = `a row of tiles takes ${wanted} pairs; there is room for ${mostPairs}`;
      throw new DeviceError("too-large", message);
    }
    const middle = (band.first + band.end) >> 1;
    return [
      { first: middle, end: band.end },
      { first: band.first, end: middle },
    ];
  }

  return {
    device: name,
    work,
    async setScene(next) {
      const { count, shDegree, isUnclamped, sh } = next;
      const { splats, harmonics, projected, extents, depths, order, blocks, histogram } = buffers;
      const entries = [...depths, ...order].map((list) => [list, count * 4] as const);
      const sortBlocks = Math.ceil(count / perBlock);
      scene = undefined;
      await memory.ensure([
        [splats, count * 48],
        [harmonics, sh.byteLength],
        [projected, count * 48],
        [extents, count * 8],
        ...entries,
        [blocks, sortBlocks * 4],
        [histogram, sortBlocks * histogramBytesPerBlock],
      ]);
      await ensurePairs(Math.min(options.pairs ?? defaultPairs, mostPairs));
      queue.writeBuffer(splats.buffer, 0, packSplats(next));
      queue.writeBuffer(harmonics.buffer, 0, Float32Array.from(sh));
      queue.writeBuffer(splatList.buffer, 0, Uint32Array.of(count, sortBlocks, 0, 0));
      scene = { count, shDegree, isUnclamped, box: boxOf(next) };
    },
    paint(camera, background) {
      const slot = nextSlot++ % slotCount;
      const target = slots[slot];
      const drawn = (target?.last ?? Promise.resolve()).then(() => draw(camera, background, slot));
      if (target !== undefined) {
        target.last = drawn.catch(() => undefined);
      }
      return drawn;
    },
  };
}

function boxOf({ positions }: Scene): Box {
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  for (let axis = 0; axis < 3; axis++) {
    for (let i = axis; i < positions.length; i += 3) {
      low[axis] = Math.min(low[axis] ?? 0, positions[i] ?? 0);
      high[axis] = Math.max(high[axis] ?? 0, positions[i] ?? 0);
    }
  }
  return {
    centre: low.map((value, axis) => (value + (high[axis] ?? 0)) / 2),
    half: low.map((value, axis) => ((high[axis] ?? 0) - value) / 2),
  };
}

/** Of all lengths that a depth is computed from: far more than single precision loses. */
const depthMargin = 1e-4;

function depthKeysOf({ centre, half }: Box, { eye, rotation }: Camera): DepthKeys {
  const forward = rotation.slice(6);
  let middle = 0;
  let reach = 0;
  for (let axis = 0; axis < 3; axis++) {
    const along = forward[axis] ?? 0;
    middle += along * ((centre[axis] ?? 0) - (eye[axis] ?? 0));
    reach += Math.abs(along) * (half[axis] ?? 0);
  }
  const margin = depthMargin * (Math.hypot(...centre) + Math.hypot(...eye) + reach);
  const least = floatBits(Math.max(nearPlane, middle - reach - margin));
  const most = floatBits(Math.max(nearPlane, middle + reach + margin));
  const bits = 32 - Math.clz32(most - least);
  // An even number: each pass moves them into the other of two lists, and the first is where they are looked for.
  return { least, passes: 2 * Math.max(1, Math.ceil(bits / digitBits / 2)) };
}

function floatBits(value: number): number {
  return new Uint32Array(Float32Array.of(value).buffer)[0] ?? 0;
}

/** As project.wgsl reads them. Splats whose covariance is not finite get opacity 0, as with the CPU rasteriser. */
function packSplats({
  count,
  positions,
  covariances,
  opacities,
}: Scene): Float32Array<ArrayBuffer> {
  const packed = new Float32Array(count * 12);
  for (let i = 0; i < count; i++) {
    const covariance = covariances.subarray(i * 6, i * 6 + 6);
    packed.set(positions.subarray(i * 3, i * 3 + 3), i * 12);
    if (!covariance.every(Number.isFinite)) {
      continue;
    }
    packed[i * 12 + 3] = opacities[i] ?? 0;
    packed.set(covariance, i * 12 + 4);
  }
  return packed;
}
