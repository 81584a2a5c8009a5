import { saveAsset, saveOptions } from "./save.ts";
import type { Verb } from "./verb.ts";

export const downloadVerb: Verb = {
  name: "download",
  argument: "TASK",
  summary: "download the asset of a succeeded task and check it",
  options: saveOptions,
  async run(context) {
    const { args, client, output, signal } = context;
    output.progress("downloading");
    const download = await client.download(args.argument, { signal });
    output.endProgress();
    await saveAsset(args.argument, download, context);
  },
};
