import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { OverviewSchema } from "@turntable/proto";
import { mergeOverview } from "./overview.ts";
import { extensionOf, fileNameOf } from "./save.ts";
import { isLasting, pauseMs } from "./stream.ts";

test("parts of an overview that did not change stay", () => {
  const whole = create(OverviewSchema, {
    facts: { rules: "seed" },
    tasks: { queued: 1 },
    problems: { problems: [{ code: "no-worker" }] },
  });
  const merged = mergeOverview(
    whole,
    create(OverviewSchema, { tasks: { queued: 2 }, problems: {} }),
  );
  assert.equal(merged.facts?.rules, "seed");
  assert.equal(merged.tasks?.queued, 2);
  assert.deepEqual(merged.problems?.problems, [], "nothing is wrong any more");
});

test("pauses between tries grow up to a bound, and differ from page to page", () => {
  const longest = [0, 1, 2, 3, 20].map((failures) => pauseMs(failures, () => 1));
  assert.deepEqual(longest, [500, 1_000, 2_000, 4_000, 15_000]);
  assert.equal(
    pauseMs(1, () => 0),
    500,
  );
});

test("what would fail again is not tried again", () => {
  assert.equal(isLasting(new ConnectError("no such task", Code.NotFound)), true);
  assert.equal(isLasting(new ConnectError("away", Code.Unavailable)), false);
  assert.equal(isLasting(new TypeError("Failed to fetch")), false);
});

test("files are named by their prompts, whatever those hold", () => {
  assert.equal(fileNameOf("A Red Cube!"), "a-red-cube");
  assert.equal(fileNameOf("../../etc/passwd\\0"), "etc-passwd-0");
  assert.equal(fileNameOf("Пузырь 🫧"), "asset");
  assert.equal(fileNameOf(`${"long ".repeat(30)}`), "long-long-long-long-long-long-long-long");
  assert.equal(extensionOf("hdf5"), "h5");
  assert.equal(extensionOf("__proto__"), "bin");
});
