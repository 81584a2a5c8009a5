/** `turntable-coordinator status`: how the coordinator of a data directory is doing. */
import { describeStatus, readStatus } from "../status/index.ts";
import type { Command } from "./command.ts";

export const statusCommand: Command = {
  summary: "how the coordinator of --data-dir is doing",
  usage: "status",
  flags: [],
  freeWords: 0,
  async run({ config, print, now }) {
    await print(describeStatus(await readStatus(config.dataDir), now()));
    return 0;
  },
};
