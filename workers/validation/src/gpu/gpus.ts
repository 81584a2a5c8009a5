/** What Vulkan offers on this machine, and why some of it cannot be used. */
import { execFile } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { z } from "zod";
import { type Environment, type VulkanOptions, vulkanEnvironment } from "./environment.ts";

const gpuSchema = z.object({
  /** As the driver gives it; `--gpu` takes it. */
  name: z.string(),
  driver: z.string(),
  /** It computes on the CPU. */
  isSoftware: z.boolean(),
  /** The size of the largest buffer that it can work on, in bytes. */
  mostBytes: z.number(),
  /** Why it cannot be used at all. */
  refusal: z.string().optional(),
});

export type Gpu = z.infer<typeof gpuSchema>;

/** A driver that offers nothing. */
export interface UnusableDriver {
  /** Its manifest. */
  readonly file: string;
  readonly reason: string;
}

/** A driver that takes longer hangs. */
const timeoutMs = 30_000;

/** In the order of `--gpu`'s indices. */
export async function listGpus(options: VulkanOptions): Promise<readonly Gpu[]> {
  const { gpus } = await ask(vulkanEnvironment(options));
  return gpus;
}

/** Asks each driver alone, since the library does not say whom it refused. */
export async function unusableDrivers(env: Environment): Promise<readonly UnusableDriver[]> {
  const unusable: UnusableDriver[] = [];
  for (const file of driverFiles(env)) {
    const { gpus, said } = await ask({ ...env, VK_DRIVER_FILES: file, VK_ICD_FILENAMES: file });
    if (gpus.length === 0) {
      unusable.push({ file, reason: said });
    }
  }
  return unusable;
}

interface Answer {
  readonly gpus: readonly Gpu[];
  /** Why there is none. */
  readonly said: string;
}

async function ask(env: Environment): Promise<Answer> {
  const program = fileURLToPath(new URL("list-process.ts", import.meta.url));
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [program], {
      env,
      timeout: timeoutMs,
      killSignal: "SIGKILL",
    });
    const line = stdout.trimEnd().split("\n").at(-1) ?? "[]"; // drivers may print as well
    return { gpus: z.array(gpuSchema).parse(JSON.parse(line)), said: refusalIn(stderr) };
  } catch (error) {
    return { gpus: [], said: error instanceof Error ? `its process ended: ${error.message}` : "" };
  }
}

/** The library's reason for passing over a device. */
function refusalIn(stderr: string): string {
  const [, warning] = /^Warning: (.+)$/m.exec(stderr) ?? [];
  // That call fails where a driver finds no device of its kind.
  const isAbsent = warning === undefined || warning.startsWith("vkEnumeratePhysicalDevices");
  return isAbsent ? "it has no device here" : `refused by the WebGPU library: ${warning}`;
}

/** Where the Vulkan loader looks on Linux. */
const manifestFolders = [
  "/etc/vulkan/icd.d",
  "/usr/local/share/vulkan/icd.d",
  "/usr/share/vulkan/icd.d",
];

function driverFiles(env: Environment): readonly string[] {
  const named = env.VK_DRIVER_FILES ?? env.VK_ICD_FILENAMES;
  const added = env.VK_ADD_DRIVER_FILES;
  const places = named === undefined ? [...manifestFolders, ...split(added)] : split(named);
  return places.filter(existsSync).flatMap((place) => {
    if (!statSync(place).isDirectory()) {
      return [place];
    }
    const names = readdirSync(place).filter((name) => name.endsWith(".json"));
    return names.toSorted().map((name) => join(place, name));
  });
}

function split(paths: string | undefined): readonly string[] {
  return (paths ?? "").split(":").filter((path) => path !== "");
}
