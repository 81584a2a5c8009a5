/** Which operators of a model its execution provider runs, and which were left to the CPU: never in silence. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";

/** Operators by where they ran. */
export interface Placement {
  readonly onProvider: number;
  /** How many of each kind fell back. */
  readonly onCpu: Readonly<Record<string, number>>;
}

/** What ONNX Runtime's profiler writes for each operator that it runs; the rest of the file is left out. */
const eventSchema = z.object({
  cat: z.string(),
  name: z.string(),
  args: z.object({ provider: z.string().optional(), op_name: z.string().optional() }).optional(),
});

/** A folder for the profiler's files. */
export interface ProfileFolder extends AsyncDisposable {
  /** For the session's `profileFilePrefix`. */
  readonly prefix: string;
  /** After the session's profiling has ended; of all runs until then. */
  read(): Promise<Placement>;
}

export async function createProfileFolder(): Promise<ProfileFolder> {
  const folder = await mkdtemp(join(tmpdir(), "turntable-placement-"));
  return {
    prefix: join(folder, "run"),
    async read() {
      const texts = (await readdir(folder)).map((name) => readFile(join(folder, name), "utf8"));
      return countEvents((await Promise.all(texts)).flatMap((text) => JSON.parse(text)));
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

function countEvents(events: readonly unknown[]): Placement {
  let onProvider = 0;
  const onCpu: Record<string, number> = {};
  for (const event of z.array(eventSchema).parse(events)) {
    const { provider, op_name: operator = "" } = event.args ?? {};
    if (event.cat !== "Node" || !event.name.endsWith("_kernel_time")) {
      continue;
    }
    // Copies between devices, which are no operators of the model.
    if (operator.startsWith("Memcpy")) {
      continue;
    }
    if (provider === "CPUExecutionProvider") {
      onCpu[operator] = (onCpu[operator] ?? 0) + 1;
    } else {
      onProvider += 1;
    }
  }
  return { onProvider, onCpu };
}

export function addPlacements(placements: readonly Placement[]): Placement {
  const onCpu: Record<string, number> = {};
  for (const placement of placements) {
    for (const [operator, count] of Object.entries(placement.onCpu)) {
      onCpu[operator] = (onCpu[operator] ?? 0) + count;
    }
  }
  return { onProvider: placements.reduce((sum, { onProvider }) => sum + onProvider, 0), onCpu };
}

/** `312 operators on webgpu, 9 on the CPU: Gather 4, Unsqueeze 5`, for people. */
export function describePlacement(executionProvider: string, placement: Placement): string {
  const kinds = Object.entries(placement.onCpu).toSorted();
  const fallen = kinds.reduce((sum, [, count]) => sum + count, 0);
  const list = kinds.map(([operator, count]) => `${operator} ${count}`).join(", ");
  const onCpu = fallen === 0 ? "none on the CPU" : `${fallen} on the CPU: ${list}`;
  return `${placement.onProvider} operators on ${executionProvider}, ${onCpu}`;
}
