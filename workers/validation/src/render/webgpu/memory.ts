/** Buffers on the device that grow and are kept. */
import { DeviceError } from "../../gpu/errors.ts";

/** A buffer that is replaced when more is needed; what was in it is lost then. */
export interface GrowingBuffer {
  readonly buffer: GPUBuffer;
  readonly sizeBytes: number;
}

export interface DeviceMemory {
  /** Bytes of the largest buffer that this device can work on. */
  readonly mostBytes: number;
  /** How often a buffer was replaced: what refers to one has to be made again. */
  readonly generation: number;
  create(label: string, usage: GPUBufferUsageFlags, sizeBytes?: number): GrowingBuffer;
  /**
   * Makes each at least as large as named.
   * @throws DeviceError `too-large` beyond the device's limits, `out-of-memory` when it has not that much now
   */
  ensure(sizes: readonly (readonly [GrowingBuffer, number])[]): Promise<void>;
}

/** No buffer may be empty, and one whole vector is always read. */
const leastBytes = 16;

export function createDeviceMemory(device: GPUDevice): DeviceMemory {
  const mostBytes = Math.min(
    device.limits.maxBufferSize,
    device.limits.maxStorageBufferBindingSize,
  );
  const labels = new Map<GrowingBuffer, readonly [string, GPUBufferUsageFlags]>();
  let generation = 0;
  return {
    mostBytes,
    get generation() {
      return generation;
    },
    create(label, usage, sizeBytes = leastBytes) {
      const size = Math.max(leastBytes, sizeBytes);
      const made = { buffer: device.createBuffer({ label, usage, size }), sizeBytes: size };
      labels.set(made, [label, usage]);
      return made;
    },
    async ensure(sizes) {
      const growing = sizes.filter(([{ sizeBytes }, least]) => sizeBytes < least);
      if (growing.length === 0) {
        return;
      }
      for (const [target, least] of growing) {
        if (least <= mostBytes) {
          continue;
        }
        const [label] = labels.get(target) ?? [];
        const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MiB`;
        const what = `${mebibytes(least)} in one buffer for ${label}`;
        throw new DeviceError(
          "too-large",
          `this takes ${what}; the device allows ${mebibytes(mostBytes)}`,
        );
      }
      generation += 1;
      device.pushErrorScope("out-of-memory");
      for (const [target, least] of growing) {
        const [label = "", usage = 0] = labels.get(target) ?? [];
        // Work that was submitted with it still ends.
        target.buffer.destroy();
        const size = Math.ceil(least / leastBytes) * leastBytes;
        Object.assign(target, {
          buffer: device.createBuffer({ label, usage, size }),
          sizeBytes: size,
        });
      }
      const error = await device.popErrorScope();
      if (error === null) {
        return;
      }
      throw new DeviceError("out-of-memory", `the device is out of memory: ${error.message}`);
    },
  };
}
