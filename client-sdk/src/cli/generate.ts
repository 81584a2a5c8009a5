import { parseDurationMs } from "./arguments.ts";
import { describeEvent } from "./events.ts";
import { saveAsset, saveOptions } from "./save.ts";
import { printable } from "./text.ts";
import type { Verb } from "./verb.ts";

export const generateVerb: Verb = {
  name: "generate",
  argument: "PROMPT",
  summary: "make an asset: create a task, follow it, download and check the result",
  options: {
    ...saveOptions,
    timeout: {
      value: "TIME",
      help: "stop waiting after this time, such as 90s or 5m; the task goes on",
    },
  },
  async run(context) {
    const { args, client, output, signal } = context;
    const timeout = args.text("timeout");
    const made = await client.generate(args.argument, {
      signal,
      timeoutMs: timeout === undefined ? undefined : parseDurationMs("timeout", timeout),
      onProgress(event, taskId) {
        if (event.kind === "created") {
          output.note(`task ${printable(taskId)}`);
        }
        context.suggest(`turntable watch ${taskId}`);
        output.progress(event.kind === "succeeded" ? "downloading" : describeEvent(event));
      },
    });
    output.endProgress();
    await saveAsset(made.task.id, made, context);
  },
};
