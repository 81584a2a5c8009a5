/** Every verb of the command `turntable`. */
import manifest from "../../package.json" with { type: "json" };
import { addAdmin } from "./admin/index.ts";
import { addCancel } from "./cancel.ts";
import { CliCommand, helpConfiguration } from "./command.ts";
import { addCompletion } from "./completion.ts";
import type { Run } from "./context.ts";
import { addDownload } from "./download.ts";
import { addGenerate } from "./generate.ts";
import { addReport } from "./report.ts";
import { addScore } from "./score.ts";
import { addShow } from "./show.ts";
import { addTasks } from "./tasks.ts";
import { addView } from "./view.ts";
import { addWatch } from "./watch.ts";

/** @param print takes help and version */
export function createProgram(run: Run, print: (text: string) => void): CliCommand {
  const program = new CliCommand("turntable");
  program
    .description("Turns text into 3D assets on Bittensor's subnet 17.")
    .configureHelp(helpConfiguration)
    .configureOutput({ writeOut: print, writeErr: print })
    .exitOverride()
    .helpOption("-h, --help", "this text")
    .helpCommand(false)
    .version(manifest.version, "-V, --version", "this command's version")
    .addHelpText("after", afterHelp);
  for (const add of [
    addGenerate,
    addWatch,
    addTasks,
    addShow,
    addCancel,
    addDownload,
    addScore,
    addReport,
    addView,
    addAdmin,
    addCompletion,
  ]) {
    add(program, run);
  }
  return program;
}

const afterHelp = `
turntable VERB --help shows a verb's options. With --json results are JSON, one object a line where there are several.
Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
`;
