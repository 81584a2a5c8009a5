/** `turntable-worker devices`: the GPUs that can be used, and why others cannot. */
import { basename } from "node:path";
import { type Gpu, listGpus, unusableDrivers } from "../gpu/index.ts";
import { type Command, parseArguments } from "./arguments.ts";

const help = `Usage: turntable-worker devices

Lists what the Vulkan drivers of this machine offer to the webgpu backend and execution provider: index and name, which
--gpu takes, driver, and the largest buffer. Then the drivers that offer nothing, with the reason.
`;

export const devicesCommand: Command = {
  summary: "the GPUs that can be used, and why others cannot",
  help,
  async run(argv, env) {
    parseArguments(argv, {}, []);
    const gpus = await listGpus({ env, allowSoftware: true });
    const unusable = await unusableDrivers(env);
    const rows = [
      ["gpu", "name", "driver", "buffers to", "verdict"],
      ...gpus.map((gpu, index) => [
        ...[String(index), gpu.name, gpu.driver, `${Math.floor(gpu.mostBytes / 2 ** 20)} MiB`],
        verdictOn(gpu),
      ]),
      ...unusable.map(({ file, reason }) => ["-", basename(file), "-", "-", reason]),
    ];
    const widths = rows[0]?.map((_, column) =>
      Math.max(...rows.map((cells) => cells[column]?.length ?? 0)),
    );
    for (const cells of rows) {
      const line = cells.map((cell, column) => cell.padEnd(widths?.[column] ?? 0)).join("  ");
      process.stdout.write(`${line.trimEnd()}\n`);
    }
  },
};

function verdictOn({ isSoftware, refusal }: Gpu): string {
  if (refusal !== undefined) {
    return refusal;
  }
  return isSoftware ? "computes on the CPU: only with --allow-software-gpu" : "usable";
}
