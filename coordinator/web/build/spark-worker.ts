/**
 * Spark carries the script of its worker as a string, of which it makes a blob: the page's Content-Security-Policy has
 * workers from files of its own only. So the build writes the string into a file, and lets Spark start that.
 */
import { runInNewContext } from "node:vm";
import type { Plugin } from "vite";

/** The string, as the library's own bundler writes it: one literal on one line. */
const script = /^const jsContent = ('.*');$/m;
/** What starts the worker: up to the end of the function. */
const starter = /^function WorkerWrapper\(options\) \{\n[\s\S]*?^\}$/m;
/** The blob of the string, which nobody needs any more. */
const blob = /^const blob = typeof self .*;$/m;

export const sparkWorker: Plugin = {
  name: "spark-worker",
  apply: "build",
  transform: {
    filter: { id: /@sparkjsdev\/spark\/dist\/spark\.module\.js$/ },
    handler(code) {
      const literal = script.exec(code)?.[1];
      if (literal === undefined || !starter.test(code) || !blob.test(code)) {
        throw new Error("Spark starts its worker in another way now: mend build/spark-worker.ts");
      }
      const source: unknown = runInNewContext(literal);
      const file = this.emitFile({
        type: "asset",
        name: "spark-worker.js",
        source: String(source),
      });
      return code
        .replace(script, "")
        .replace(blob, "")
        .replace(
          starter,
          `function WorkerWrapper(options) { return new Worker(import.meta.ROLLUP_FILE_URL_${file}, { name: options?.name }); }`,
        );
    },
  },
};
