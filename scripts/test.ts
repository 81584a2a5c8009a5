/**
 * Runs tests by kind: `node scripts/test.ts [unit|slow|contract|integration|golden|k8s|e2e|vectors …]`, all but vectors
 * when no kind is named. `unit` is what takes milliseconds; what starts processes, renderers or models is `slow`.
 */
import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import { join, relative } from "node:path";
import { buffer } from "node:stream/consumers";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { fileURLToPath } from "node:url";

const workspaces =
  "{process,proto,bus,bittensor,coordinator,workers/*,client-sdk,local-subnet,scripts}";
const kinds: Readonly<Record<string, readonly string[]>> = {
  unit: [`${workspaces}/**/!(*.slow|*.vectors).test.ts`],
  slow: [`${workspaces}/**/*.slow.test.ts`],
  contract: ["test/contract/**/*.test.ts"],
  integration: ["test/integration/**/!(*.vectors).test.ts"],
  golden: ["test/golden/**/*.test.ts"],
  k8s: ["test/k8s/**/*.test.ts"],
  e2e: ["test/e2e/**/!(*.vectors).test.ts"],
  vectors: ["**/*.vectors.test.ts"],
  conformance: ["test/conformance/**/*.test.ts"],
  /** Those of `slow` that a GPU, or its driver in software, draws or computes for. */
  gpu: [
    "workers/validation/src/{gpu,render/remote,render/gl,render/webgpu}/*.slow.test.ts",
    "workers/validation/src/worker/device-*.slow.test.ts",
  ],
};
/** What `npm test` runs beside unit: vectors and conformance have commands of their own, and all of gpu is in slow. */
const standard = ["slow", "contract", "integration", "golden", "k8s", "e2e"];
/** Two at a time: the tests start servers and worker threads of their own. */
const concurrency = 2;
const timeoutMs = 300_000;
const slowestShown = 10;
/** What all those processes compile is kept: a third of the time in which a program starts. */
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, "../.cache/compiled");

const named = process.argv.slice(2);
const asked = named.length === 0 ? standard : named;
const unknown = asked.filter((kind) => !(kind in kinds));
if (unknown.length > 0) {
  fail(`no tests of kind ${unknown.join(", ")}; there are ${Object.keys(kinds).join(", ")}`);
} else if (asked.includes("vectors") && process.env.TURNTABLE_VECTORS === undefined) {
  fail("set TURNTABLE_VECTORS to the folder that holds the vectors");
} else {
  const patterns = asked.flatMap((kind) => kinds[kind] ?? []);
  const files = new Set(globSync(patterns, { exclude: ["**/node_modules/**"] }));
  if (files.size === 0) {
    fail("no test files were found");
  } else {
    const unit = named.length === 0 ? runUnit() : undefined;
    runFiles([...files].toSorted(), async () => {
      process.stdout.write((await unit) ?? "");
    });
  }
}

/** Tests of milliseconds share one process: to start one for each file would take most of their time. */
async function runUnit(): Promise<Uint8Array> {
  const self = fileURLToPath(import.meta.url);
  const child = spawn(process.execPath, [self, "unit"], { stdio: ["ignore", "pipe", "inherit"] });
  child.once("exit", (code) => {
    if (code !== 0) {
      process.exitCode = 1;
    }
  });
  return await buffer(child.stdout);
}

function fail(message: string): void {
  console.error(message);
  process.exitCode = 2;
}

interface TestEnd {
  readonly file?: string;
  /** 0 for a test that stands in no other. */
  readonly nesting: number;
  readonly details: { readonly duration_ms: number };
}

/** As `node --test` does, and says afterwards which files took longest. */
function runFiles(files: readonly string[], onEnd: () => Promise<void>): void {
  const durations = new Map<string, number>();
  const isolation = asked.join() === "unit" ? "none" : "process";
  const add = ({ file, nesting, details }: TestEnd): void => {
    if (file !== undefined && nesting === 0) {
      const name = relative(process.cwd(), file);
      durations.set(name, (durations.get(name) ?? 0) + details.duration_ms);
    }
  };
  run({
    files: [...files],
    isolation,
    concurrency: isolation === "none" ? undefined : concurrency,
    timeout: timeoutMs,
  })
    .on("test:pass", add)
    .on("test:fail", add)
    .on("test:summary", ({ success }) => {
      if (!success) {
        process.exitCode = 1;
      }
    })
    .compose(spec)
    .on("end", () => {
      printSlowest(durations);
      void onEnd();
    })
    .pipe(process.stdout);
}

function printSlowest(durations: ReadonlyMap<string, number>): void {
  const slowest = [...durations].toSorted(([, a], [, b]) => b - a).slice(0, slowestShown);
  const lines = slowest.map(([file, ms]) => `${(ms / 1000).toFixed(1).padStart(7)} s  ${file}`);
  console.log(`\nslowest of ${durations.size} files:\n${lines.join("\n")}`);
}
