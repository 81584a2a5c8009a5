import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  describeStatus,
  readStatus,
  type Status,
  StatusError,
  startStandingBy,
  startStatus,
} from "./index.ts";

const sources = {
  rules: "seed",
  leads: undefined,
  notReady: () => undefined,
  validators: () => [
    {
      ...{ netuid: 17, hotkey: "5Val", block: 1234 },
      neuron: { uid: 3, stakeTao: 5000, validatorPermit: true, lastUpdate: 1200 },
    },
    { netuid: 29, hotkey: "5Val", block: 9, neuron: null },
  ],
  queueDepth: async () => ({ organic: 2, scoring: 1, synthetic: 5 }),
  deadLetters: async () => 3,
  workers: () => 4,
  openTasks: () => ({ queued: 1, scoring: 7 }),
  miners: () => new Set(Array.from({ length: 12 }, (_, i) => `5M${i}`)),
  standingOf: (hotkey: string) => ({
    ...{ hotkey, observations: Number(hotkey.slice(2)), scored: 20, averageFidelity: 0.5 },
    reward: Number(hotkey.slice(2)) / 2,
  }),
};

test("the status is in the data directory, whole, and tells what people ask", async () => {
  const directory = await mkdtemp(join(tmpdir(), "turntable-status-"));
  try {
    await assert.rejects(readStatus(directory), StatusError);
    let now = 1_000_000;
    const [all, minutes]: [Status[], Status[]] = [[], []];
    await using loop = startStatus({
      ...{ sources, directory, now: () => now },
      onStatus: (status) => all.push(status),
      onMinute: (status) => minutes.push(status),
      onTrouble: (_, error) => assert.fail(String(error)),
    });
    await loop.runNow();
    now += 59_000;
    await loop.runNow();
    assert.equal(minutes.length, 1);
    now += 1_000;
    await loop.runNow();
    assert.equal(minutes.length, 2);
    assert.deepEqual(all.at(-1), minutes[1]);
    assert.deepEqual(await readdir(directory), ["status.json"]);
    const status = await readStatus(directory);
    assert.deepEqual(status, minutes[1]);
    assert.equal(
      describeStatus(status, now + 1_000)
        .split("\n")
        .slice(0, 11)
        .join("\n"),
      `running for 61 s, ready
rules seed, 12 miners registered
subnet 17 at block 1234: 5Val is uid 3, 5000 TAO, a permit, weights or registration at block 1200
subnet 29 at block 9: 5Val is not registered
queue: 2 organic, 1 scoring and 5 synthetic jobs
dead letters: 3
workers: 4 with results in the last ten minutes
open tasks: 1 queued, 7 scoring
the highest rewards:
   1  5M11  5.500 = 11 of 20 accepted × 0.5000
   2  5M10  5.000 = 10 of 20 accepted × 0.5000`,
    );
    assert.equal(status.top.length, 10);
    assert.match(describeStatus(status, now + 7_200_000), /^not running: last seen 2 h ago, at 19/);
  } finally {
    await rm(directory, { recursive: true });
  }
});

test("a queue that is away is said", async () => {
  const directory = await mkdtemp(join(tmpdir(), "turntable-status-"));
  try {
    await using loop = startStatus({
      sources: {
        ...sources,
        notReady: () => "NATS is away",
        queueDepth: () => Promise.reject(new Error("away")),
        deadLetters: () => Promise.reject(new Error("away")),
        openTasks: () => ({}),
        miners: () => new Set(),
      },
      ...{ directory, now: () => 0, onTrouble: () => undefined },
      ...{ onStatus: () => undefined, onMinute: () => undefined },
    });
    await loop.runNow();
    const text = describeStatus(await readStatus(directory), 0);
    assert.match(text, /, NATS is away\n/);
    assert.match(text, /\nqueue: away\n.*\nopen tasks: none\nno miner has a reward\n$/);
  } finally {
    await rm(directory, { recursive: true });
  }
});

test("who leads and who stands by for whom is said", async () => {
  const directory = await mkdtemp(join(tmpdir(), "turntable-status-"));
  const surroundings = { directory, now: () => 0, onTrouble: () => assert.fail() };
  try {
    let leader: string | undefined;
    const view = { name: "b", leader: () => leader, lag: () => 2, missingAssets: () => 7 };
    const standing = startStandingBy({ ...surroundings, view });
    await standing.runNow();
    const text = async () => describeStatus(await readStatus(directory), 5_000);
    assert.match(await text(), /^standing by for 5 s as b, nobody leads\n/);
    leader = "a";
    await standing.runNow();
    assert.equal(
      await text(),
      "standing by for 5 s as b, a leads\n2 entries of the log and 7 assets are not here yet\n",
    );
    const gone = describeStatus(await readStatus(directory), 60_000);
    assert.match(gone, /^not running: last seen 60 s ago/);
    await standing[Symbol.asyncDispose]();
    let isLeading = true;
    await using leading = startStatus({
      ...{ ...surroundings, onStatus: () => undefined, onMinute: () => undefined },
      sources: { ...sources, leads: { name: "b", isLeading: () => isLeading } },
    });
    await leading.runNow();
    assert.match(await text(), /^running for 5 s, ready\nleading as b\n/);
    isLeading = false;
    await leading.runNow();
    assert.match(await text(), /\nuncertain as b\n/);
  } finally {
    await rm(directory, { recursive: true });
  }
});
