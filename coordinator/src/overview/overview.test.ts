import assert from "node:assert/strict";
import { test } from "node:test";
import { alice, bob, openSubnet } from "../../test/subnet.ts";

test("the overview tells ends by the minute, waits by class, workers, leaders and scores", async () => {
  using subnet = await openSubnet();
  await subnet.organic(0.9);
  await subnet.organic(0.2, bob);
  subnet.wait(30_000);
  const { assignments } = subnet.tasks.get(subnet.synthetic(bob).taskId) ?? assert.fail();
  assert.equal(assignments.length, 1);
  await subnet.organic(undefined, bob);
  subnet.ask("a green tree", subnet.now());
  subnet.wait(45_000);
  const { tasks, queue, workers, leaders, registered, scores, problems } =
    await subnet.overview.take(subnet.now());

  assert.equal(tasks.minutes.length, 60);
  const last = tasks.minutes.at(-1)?.at ?? 0;
  assert.ok(last <= subnet.now() && last > subnet.now() - 60_000);
  const ended = tasks.minutes.flatMap((minute) => minute.ended);
  assert.deepEqual(
    ended.map((one) => [one.class, one.state, one.count]),
    [["organic", "succeeded", 1]],
  );
  assert.deepEqual({ ...tasks.open }, { assigned: 1, queued: 2, scoring: 1 });
  assert.deepEqual(
    queue.classes.map(({ jobClass, jobs, oldestMs }) => [jobClass, jobs, oldestMs]),
    [
      ["organic", 1, 45_000],
      ["scoring", 0, 0],
      ["synthetic", 2, 0],
    ],
  );
  assert.deepEqual([queue.isReachable, queue.oldestTaskMs], [true, 75_000]);
  assert.deepEqual(
    workers.map(({ id, renderer, model, demonstration, scored }) => [
      ...[id, renderer, model, demonstration, scored],
    ]),
    [["w", "cpu", "clip", true, 2]],
  );
  assert.equal(workers[0]?.busyShare, 6_000 / 75_000);
  assert.deepEqual(
    leaders.map(({ hotkey, rank, uid, reward, observations, scored }) => [
      ...[hotkey, rank, uid, reward, observations, scored],
    ]),
    [
      [alice, 1, 7, 1, 1, 1],
      [bob, 2, undefined, 0, 0, 1],
    ],
  );
  assert.equal(registered, 2);
  assert.deepEqual([scores.lastDay[18], scores.lastDay[4], scores.dayBefore[18]], [1, 1, 0]);
  assert.deepEqual(
    problems.map(({ code }) => code),
    ["demonstration-model"],
  );
});

test("minutes that are over are read once", async () => {
  using subnet = await openSubnet();
  const asked: number[] = [];
  using other = await openSubnet({
    sources: {
      tasks: {
        ...subnet.tasks,
        countEnded(from, to) {
          asked.push(from);
          return subnet.tasks.countEnded(from, to);
        },
      },
    },
  });
  await other.overview.take(other.now());
  assert.equal(asked.length, 60);
  await other.overview.take(other.now());
  assert.equal(asked.length, 62);
  other.wait(60_000);
  await other.overview.take(other.now());
  assert.equal(asked.length, 64 + 1, "the new one, and those that are not settled");
});

test("a queue that is away is told as that, and holds nobody up for long", async () => {
  const away = Promise.withResolvers<never>();
  using subnet = await openSubnet({
    sources: {
      queue: { depth: () => away.promise, countDeadLetters: async () => 3 },
      dispatch: () => "NATS is away",
    },
  });
  const first = subnet.overview.take(subnet.now());
  away.reject(new Error("away"));
  const { queue, problems } = await first;
  assert.equal(queue.isReachable, false);
  assert.deepEqual(
    problems.map(({ code }) => code),
    ["queue-away", "dead-letters"],
  );
});
