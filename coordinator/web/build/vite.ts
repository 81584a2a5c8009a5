/** How the page is bundled: for browsers of the last three years, with relative addresses, and without inline scripts. */
import { join } from "node:path";
import type { InlineConfig } from "vite";
import { sparkWorker } from "./spark-worker.ts";

/** The workspace's own folder. */
export const webFolder = join(import.meta.dirname, "..");

export const viteConfig: InlineConfig = {
  configFile: false,
  root: webFolder,
  base: "./",
  logLevel: "warn",
  plugins: [sparkWorker],
  // Those of the viewer load parts of themselves later, such as the HDF5 library.
  worker: { format: "es" },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
    // Everything is a file of its own: the page's Content-Security-Policy knows no data: scripts and styles.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // Of the viewer, which is loaded when it is looked at, and only then.
    chunkSizeWarningLimit: 3_000,
    rolldownOptions: { input: ["index.html", "embed.html"].map((name) => join(webFolder, name)) },
  },
};
