import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { createAutoscaler, readScaling, type Scaling, syncPeriodS } from "./autoscaler.ts";

const scaling = readScaling(
  readFileSync(new URL("../../k8s/components/keda/scaled-object.yaml", import.meta.url), "utf8"),
);

interface Played {
  readonly from?: number;
  readonly consumer?: string;
  readonly change?: Partial<Scaling>;
}

/** Numbers of workers, look by look, from `from` workers on. */
function play(
  lags: readonly number[],
  { from = 1, consumer = "workers-organic", change = {} }: Played = {},
): readonly number[] {
  const autoscaler = createAutoscaler({ ...scaling, ...change });
  let current = from;
  return lags.map((lag, look) => {
    current = autoscaler.replicas(look * syncPeriodS, new Map([[consumer, lag]]), current);
    return current;
  });
}

const looks = (count: number, lag: number): readonly number[] => new Array(count).fill(lag);

test("the component's ScaledObject is read", () => {
  assert.deepEqual([scaling.min, scaling.max], [1, 20]);
  assert.deepEqual(
    scaling.triggers.map(({ consumer, lagThreshold }) => [consumer, lagThreshold]),
    [
      ["workers-organic", 2],
      ["workers-scoring", 2],
      ["workers-synthetic", 8],
    ],
  );
});

test("a burst brings four workers, then twice as many every 30 s, up to the most", () => {
  // Four or as many again, whichever is more, within any 30 s.
  assert.deepEqual(play(looks(8, 1_000)), [5, 5, 10, 10, 20, 20, 20, 20]);
});

test("a worker for each two organic jobs, for each eight synthetic ones", () => {
  assert.deepEqual(play([5]), [3]);
  assert.deepEqual(play([17], { consumer: "workers-synthetic" }), [3]);
  assert.deepEqual(play([8], { consumer: "workers-synthetic" }), [1]);
});

test("a tenth more or less than there is work for changes nothing", () => {
  assert.deepEqual(play([22], { from: 10 }), [10]);
  assert.deepEqual(play([23], { from: 10 }), [12]);
});

test("workers go five minutes after the burst, a quarter of them in a minute, and one stays", () => {
  const counts = play([40, ...looks(60, 0)], { from: 20 });
  assert.deepEqual(counts.slice(0, 20), looks(20, 20));
  assert.deepEqual(
    counts.slice(20).filter((_, look) => look % 4 === 0),
    [15, 11, 8, 6, 4, 3, 2, 1, 1, 1, 1],
  );
});

test("a pause between two bursts ends no worker", () => {
  const pause = looks(18, 0); // 270 s
  assert.deepEqual(new Set(play([40, ...pause, 40, ...pause], { from: 20 })), new Set([20]));
});

test("workers that the last minute took away are not taken away again by the policy's share", () => {
  const down = { ...scaling.down, stabilizationWindowSeconds: 0 };
  assert.deepEqual(play(looks(5, 0), { from: 16, change: { down } }), [12, 12, 12, 12, 9]);
});
