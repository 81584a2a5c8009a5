/**
 * Runs tests by kind: `node scripts/test.ts [unit|contract|integration|golden|k8s|e2e|vectors …]`, all but vectors
 * when no kind is named.
 */
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";

const workspaces =
  "{process,proto,bus,bittensor,coordinator,workers/*,client-sdk,resources,scripts}";
const kinds: Readonly<Record<string, readonly string[]>> = {
  unit: [`${workspaces}/**/*.test.ts`],
  contract: ["test/contract/**/*.test.ts"],
  integration: ["test/integration/**/*.test.ts"],
  golden: ["test/golden/**/*.test.ts"],
  gpu: [
    "workers/validation/src/{gpu,render/remote,render/gl,render/webgpu}/*.test.ts",
    "workers/validation/src/worker/device-*.test.ts",
  ],
  k8s: ["test/k8s/**/*.test.ts"],
  e2e: ["test/e2e/**/*.test.ts"],
};

const asked = process.argv.slice(2);
const unknown = asked.filter((kind) => kind !== "vectors" && !(kind in kinds));
if (unknown.length > 0) {
  console.error(
    `no tests of kind ${unknown.join(", ")}; there are vectors, ${Object.keys(kinds).join(", ")}`,
  );
  process.exit(2);
}
const isVectors = (file: string): boolean => file.endsWith(".vectors.test.ts");
const patterns = (asked.length === 0 ? Object.keys(kinds) : asked).flatMap(
  (kind) => kinds[kind] ?? [],
);
const files = new Set(
  globSync(patterns, { exclude: ["**/node_modules/**"] }).filter((file) => !isVectors(file)),
);
if (asked.includes("vectors")) {
  if (process.env.TURNTABLE_VECTORS === undefined) {
    console.error("set TURNTABLE_VECTORS to the folder that holds the vectors");
    process.exit(2);
  }
  for (const file of globSync(
    "{bittensor,workers/*,test,client-sdk,coordinator}/**/*.vectors.test.ts",
    {
      exclude: ["**/node_modules/**"],
    },
  ))
    files.add(file);
}
if (files.size === 0) {
  console.error("no test files were found");
  process.exit(1);
}
// Two at a time: the tests start servers and worker threads of their own.
const result = spawnSync(
  process.execPath,
  ["--test", "--test-concurrency=2", "--test-timeout=300000", ...[...files].toSorted()],
  { stdio: "inherit" },
);
process.exitCode = result.status ?? 1;
