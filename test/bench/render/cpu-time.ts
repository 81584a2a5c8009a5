import { readdir, readFile } from "node:fs/promises";

/** Linux counts CPU time in these; `getconf CLK_TCK` is 100 everywhere. */
const ticksPerSecond = 100;

/** User and system time of a process and all that descend from it, in ms; to 10 ms. */
export async function cpuMsOfTree(root: number): Promise<number> {
  const stats = new Map<number, { readonly parent: number; readonly ticks: number }>();
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) {
      continue;
    }
    const stat = await readFile(`/proc/${name}/stat`, "latin1").catch(() => undefined);
    // The name in parentheses may hold anything; the numbers follow the last one.
    const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields === undefined) {
      continue;
    }
    stats.set(Number(name), {
      parent: Number(fields[1]),
      ticks: Number(fields[11]) + Number(fields[12]),
    });
  }
  const isOfTree = (id: number): boolean => {
    const stat = stats.get(id);
    return id === root || (stat !== undefined && id > 1 && isOfTree(stat.parent));
  };
  let ticks = 0;
  for (const [id, stat] of stats) {
    if (isOfTree(id)) {
      ticks += stat.ticks;
    }
  }
  return (ticks / ticksPerSecond) * 1000;
}
