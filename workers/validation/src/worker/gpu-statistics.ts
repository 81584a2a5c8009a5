/**
 * What GPUs of this machine say of themselves, without native parts: NVIDIA's by the program `nvidia-smi`, which comes
 * with the driver, and AMD's by files of the kernel. Intel's tell neither load nor memory without rights that a worker does not
 * have. Of a machine with none there is nothing to tell.
 */
import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Environment } from "../gpu/index.ts";

export interface GpuStatistics {
  /** NVIDIA's index, or the name of AMD's card, such as `card0`. */
  readonly gpu: string;
  readonly name: string;
  /** Share of the last second or so in which it worked, 0 to 1; undefined where it does not tell. */
  readonly utilization: number | undefined;
  readonly usedBytes: number | undefined;
  readonly totalBytes: number | undefined;
}

const fields = ["index", "name", "utilization.gpu", "memory.used", "memory.total"];
const nvidiaArguments = [`--query-gpu=${fields.join()}`, "--format=csv,noheader,nounits"];
/** A driver that hangs must not pile up processes. */
const timeoutMs = 5_000;
const mebibyte = 1024 * 1024;
const amdVendor = "0x1002";

/**
 * @param env says where programs are
 * @param drmDirectory where the kernel lists graphics cards
 */
export async function readGpuStatistics(
  env: Environment,
  drmDirectory = "/sys/class/drm",
): Promise<readonly GpuStatistics[]> {
  const [nvidia, amd] = await Promise.all([nvidiaStatistics(env), amdStatistics(drmDirectory)]);
  return [...nvidia, ...amd];
}

async function nvidiaStatistics(env: Environment): Promise<readonly GpuStatistics[]> {
  const run = promisify(execFile)("nvidia-smi", nvidiaArguments, { env, timeout: timeoutMs });
  const { stdout } = await run.catch(() => ({ stdout: "" })); // no such program, or no driver
  return stdout.split("\n").flatMap((line) => {
    const [gpu, name, ...numbers] = line.split(", ");
    if (gpu === undefined || name === undefined || numbers.length < 3) {
      return [];
    }
    // "[N/A]" where a GPU does not tell.
    const [percent, used, total] = numbers.map((text) => finite(Number(text)));
    return [
      {
        gpu,
        name,
        utilization: times(percent, 1 / 100),
        usedBytes: times(used, mebibyte),
        totalBytes: times(total, mebibyte),
      },
    ];
  });
}

/** Source: the kernel's documentation of amdgpu, "GPU Power/Thermal Controls and Monitoring" and "Memory". */
async function amdStatistics(directory: string): Promise<readonly GpuStatistics[]> {
  const names = await readdir(directory).catch(() => []);
  const cards = names.filter((name) => /^card\d+$/.test(name));
  const all = await Promise.all(
    cards.map(async (gpu): Promise<GpuStatistics | undefined> => {
      const text = (file: string): Promise<string> =>
        readFile(join(directory, gpu, "device", file), "utf8").then(
          (content) => content.trim(),
          () => "",
        );
      const number = async (file: string): Promise<number | undefined> => {
        const content = await text(file);
        return content === "" ? undefined : finite(Number(content));
      };
      if ((await text("vendor")) !== amdVendor) {
        return undefined;
      }
      return {
        gpu,
        name: (await text("product_name")) || "AMD",
        utilization: times(await number("gpu_busy_percent"), 1 / 100),
        usedBytes: await number("mem_info_vram_used"),
        totalBytes: await number("mem_info_vram_total"),
      };
    }),
  );
  return all.filter((found) => found !== undefined);
}

function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}

function times(value: number | undefined, factor: number): number | undefined {
  return value === undefined ? undefined : value * factor;
}
