/**
 * The contract of the job queue, and what is tried of permissions and streams, over the oldest nats-server that is
 * supported and the newest that can be had. Both are fetched once, into `.cache`.
 */
import { spawnSync } from "node:child_process";
import { chosenServerVariable, ensureNatsServerOf } from "@turntable/test/nats-server-binary";

const files = [
  "test/contract/job-queue.test.ts",
  "test/integration/nats-permissions.slow.test.ts",
  "test/integration/nats-topology.slow.test.ts",
];

for (const age of ["oldest", "newest"] as const) {
  const { path, version } = await ensureNatsServerOf(age);
  console.log(`\nnats-server ${version} (${age})`);
  const env = { ...process.env, [chosenServerVariable]: path };
  const argv = ["--test", "--test-concurrency=1", ...files];
  const { status } = spawnSync(process.execPath, argv, { stdio: "inherit", env });
  if (status !== 0) {
    process.exitCode = 1;
  }
}
