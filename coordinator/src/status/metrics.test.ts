import assert from "node:assert/strict";
import { test } from "node:test";
import { createMetrics, startStatusServer } from "@turntable/process";
import { observeHealth, type Status } from "./index.ts";

const status: Status = {
  ...{ at: 0, startedAt: 0, rules: "seed", notReady: null, openTasks: {}, top: [] },
  ...{ role: "alone", name: "" },
  validators: [
    { netuid: 17, hotkey: "5A", block: 100, neuron: null },
    { netuid: 17, hotkey: "5B", block: 99, neuron: null },
  ],
  queue: { organic: 2, scoring: 1, synthetic: 5 },
  deadLetters: 3,
  ...{ workers: 4, miners: 12 },
};

test("depth, age, chain and disk are told; what is not known is not told as nothing", async () => {
  const metrics = createMetrics("test");
  await using server = await startStatusServer({
    ...{ host: "127.0.0.1", port: 0, metrics, notReady: () => undefined },
  });
  let now = 0;
  let free = Number.POSITIVE_INFINITY;
  const seen = observeHealth(metrics, {
    oldestWaiting: () => new Map([["organic", 30_000]]),
    oldestScoring: () => 50_000,
    freeBytes: () => free,
    reserveBytes: 1_000,
    now: () => now,
  });
  const read = async (): Promise<readonly string[]> => {
    const text = await (await fetch(new URL("/metrics", server.url))).text();
    return text
      .split("\n")
      .filter((line) => line.startsWith("turntable_"))
      .map((line) => line.replace(/,?otel_scope_name="test"/, "").replace("{}", ""));
  };
  assert.deepEqual(await read(), [
    'turntable_queue_oldest_seconds{class="organic"} 0',
    'turntable_queue_oldest_seconds{class="scoring"} 0',
    'turntable_queue_oldest_seconds{class="synthetic"} 0',
    "turntable_disk_reserve_bytes 1000",
  ]);

  seen(status);
  now = 60_000;
  free = 5_000;
  // The chain stands still, and the queue is away.
  seen({ ...status, at: now, queue: null, deadLetters: null, notReady: "NATS is away" });
  const away = await read();
  for (const line of [
    "turntable_ready 0",
    "turntable_queue_up 0",
    'turntable_queue_oldest_seconds{class="organic"} 30',
    'turntable_queue_oldest_seconds{class="scoring"} 10',
    "turntable_workers 4",
    "turntable_miners 12",
    'turntable_chain_block{netuid="17"} 100',
    'turntable_chain_age_seconds{netuid="17"} 60',
    "turntable_disk_free_bytes 5000",
  ]) {
    assert.ok(away.includes(line), `${line} in\n${away.join("\n")}`);
  }
  assert.ok(!away.some((line) => /^turntable_(queue_jobs|dead_letters)/.test(line)));

  const [first] = status.validators;
  seen({ ...status, at: now, validators: first === undefined ? [] : [{ ...first, block: 105 }] });
  const back = await read();
  for (const line of [
    "turntable_ready 1",
    'turntable_queue_jobs{class="synthetic"} 5',
    "turntable_dead_letters 3",
    'turntable_chain_age_seconds{netuid="17"} 0',
  ]) {
    assert.ok(back.includes(line), `${line} in\n${back.join("\n")}`);
  }
});
