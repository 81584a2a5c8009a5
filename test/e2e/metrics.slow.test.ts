/** What dashboards and alerts of k8s/observability name, looked for in the processes of a subnet that has done a task. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { TaskState } from "@turntable/proto";
import { startNatsServer } from "../harness/nats-server.ts";
import { type RunningProcess, startProcess } from "../harness/process.ts";
import { namedMetrics } from "../k8s/observability.ts";
import { startSubnet } from "./subnet.ts";

/** Told by workers that use a GPU; tested with what GPUs' own programs print, beside the worker. */
const ofGpus = "turntable_gpu_";

test("every metric that dashboards and alerts name exists in a running subnet", async () => {
  await using subnet = await startSubnet([], ["--audit-share", "1"]);
  const [worker, miner] = await Promise.all([subnet.startWorker(), subnet.startMiner()]);
  await subnet.startWorker(); // audits take a second one
  const { id } = await subnet.client.create("a red cube");
  let state: TaskState | undefined;
  for await (const event of subnet.client.watch(id)) {
    state = event.state;
  }
  assert.equal(state, TaskState.SUCCEEDED);
  await miner.logged(({ msg }) => msg === "task done");
  await subnet.coordinator().logged(({ msg }) => msg === "audit ended");
  await worker.logged(({ msg }) => msg === "job");
  // Of a pair one is enough: both have the same.
  await using nats = await startNatsServer();
  const dataDir = await mkdtemp(join(tmpdir(), "turntable-metrics-"));
  await using _dataDir = { [Symbol.asyncDispose]: () => rm(dataDir, { recursive: true }) };
  await using leader = startProcess("turntable-coordinator", [
    ...["--hotkey-uri", "//Alice", "--data-dir", dataDir, "--nats-servers", nats.url],
    ...["--standby-enabled", "--http-port", "0", "--axon-port", "0"],
  ]);
  // A head that is larger than an axon takes: a refusal by a limit.
  const { ip, port } = subnet.target;
  await fetch(`http://${ip}:${port}/`, { headers: { large: "x".repeat(100_000) } }).catch(() => {
    // It may be cut off before it has an answer.
  });

  const urls = await Promise.all([
    metricsOf(subnet.coordinator()),
    metricsOf(worker),
    metricsOf(miner),
    metricsOf(subnet.generator()),
    metricsOf(leader),
  ]);
  const missing = async (): Promise<readonly string[]> => {
    const texts = await Promise.all(urls.map(async (url) => (await fetch(url)).text()));
    const known = new Set(
      texts.flatMap((text) => [...text.matchAll(/^([a-z_]\w*)[ {]/gm)].map(([, name]) => name)),
    );
    return [...namedMetrics()]
      .filter(([name]) => !known.has(name) && !name.startsWith(ofGpus))
      .map(([name, where]) => `${name} (${where})`);
  };
  // The status and the look at weights come every few seconds.
  let absent = await missing();
  for (const giveUpAt = Date.now() + 60_000; absent.length > 0 && Date.now() < giveUpAt; ) {
    await setTimeout(500);
    absent = await missing();
  }
  assert.deepEqual(absent, []);
});

async function metricsOf(running: RunningProcess): Promise<URL> {
  const { http, url } = await running.logged(({ msg }) => msg === "ready");
  return new URL("/metrics", http === undefined ? String(url) : `http://${String(http)}`);
}
