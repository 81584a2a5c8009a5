/** `turntable view`: a page that shows an asset, by itself and offline. */
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { gzipSync } from "node:zlib";
import { readAnySplat, writeDotSplat } from "@turntable/splat";
import type { CliCommand } from "./command.ts";
import {
  type CommonFlags,
  type Run,
  runVerb,
  type VerbContext,
  withCommonOptions,
} from "./context.ts";
import { writeFileWhole } from "./output.ts";
import { formatBytes } from "./text.ts";

interface ViewFlags extends CommonFlags {
  readonly out?: string;
}

export function addView(program: CliCommand, run: Run): void {
  withCommonOptions(program.command("view <FILE>"))
    .description(
      "write an HTML page that shows an asset: a file, or the result of a task, by its id",
    )
    .option("--out <FILE>", "where to put the page; - is standard output [FILE.html]")
    .action((what: string, flags: ViewFlags) =>
      runVerb(run, flags, async (context) => {
        const { json, output } = context;
        const { name, title, bytes } = await assetOf(what, context);
        const { splat, notes } = await readAnySplat(bytes, {
          readHdf5: async (...args) => (await import("@turntable/splat/hdf5")).readHdf5(...args),
        });
        for (const note of notes) {
          output.note(`note: ${note}`);
        }
        const page = await pageOf(title, writeDotSplat(splat));
        const out = flags.out ?? `${name}.html`;
        if (out === "-") {
          await output.write(page);
          return;
        }
        await writeFileWhole(out, Buffer.from(page));
        const sizeBytes = Buffer.byteLength(page);
        await output.write(
          json
            ? `${JSON.stringify({ out, sizeBytes, splats: splat.count })}\n`
            : `${out}  ${formatBytes(sizeBytes)}  ${splat.count} splats; open it in a browser\n`,
        );
      }),
    );
}

async function assetOf(what: string, { client, output, signal }: VerbContext) {
  const isTask = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(what);
  if (!isTask) {
    return { name: what, title: basename(what), bytes: await readFile(what) };
  }
  output.progress("downloading");
  const { asset, bytes } = await client.download(what, { signal });
  output.endProgress();
  return { name: what, title: asset.prompt, bytes };
}

/** `{{name}}`, in the script as a comment. */
const slot = /(?:\/\* )?\{\{(\w+)\}\}(?: \*\/)?/g;

/** The page, with the splats as `.splat` within it. */
async function pageOf(title: string, splats: Uint8Array): Promise<string> {
  const [template, script] = await Promise.all(
    ["viewer/page.html", "viewer/viewer.js"].map((file) =>
      readFile(new URL(file, import.meta.url), "utf8"),
    ),
  );
  const parts: Readonly<Record<string, string>> = {
    title: title.replaceAll("&", "&amp;").replaceAll("<", "&lt;"),
    splats: gzipSync(splats).toString("base64"),
    script: script ?? "",
  };
  return (template ?? "").replace(slot, (whole, name: string) => parts[name] ?? whole);
}
