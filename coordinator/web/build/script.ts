/** One module bundled as the page's own are, so that tests run it in a browser as pages do. */
import { build } from "vite";
import { viteConfig } from "./vite.ts";

/** What a page starts with; it puts what the module exports into `globalThis.exported`. */
export const scriptName = "entry.js";

/**
 * @param entry the module's path
 * @param folder an absolute path, where `scriptName` and what it loads are written
 */
export async function buildScript(entry: string, folder: string): Promise<void> {
  const starter = "\0starter";
  await build({
    ...viteConfig,
    publicDir: false,
    plugins: [
      ...(viteConfig.plugins ?? []),
      {
        name: "starter",
        resolveId: (id) => (id === starter ? id : undefined),
        load: (id) =>
          id === starter
            ? `import * as exported from ${JSON.stringify(entry)}; globalThis.exported = exported;`
            : undefined,
      },
    ],
    build: {
      ...viteConfig.build,
      outDir: folder,
      emptyOutDir: false,
      minify: false,
      rolldownOptions: {
        input: starter,
        output: { entryFileNames: scriptName },
        onLog(level, log) {
          // Such as a module of Node's that was left in: it would fail in the page, and more obscurely.
          if (level === "warn" && log.code !== "PLUGIN_TIMINGS") {
            throw new Error(log.message);
          }
        },
      },
    },
  });
}
