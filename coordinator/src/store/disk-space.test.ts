import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { test } from "node:test";
import { createDiskSpace } from "./disk-space.ts";

const mebibyte = 1024 ** 2;

test("below the reserve it says so with figures, and there is room again by itself", async () => {
  let free = 5 * mebibyte;
  const space = createDiskSpace({
    directory: "/data",
    reserveBytes: 5 * mebibyte,
    freeBytes: async () => free,
  });
  assert.equal(space.lack(), undefined);
  await space.check();
  assert.equal(space.lack(), undefined, "the reserve itself is free");
  free = 5 * mebibyte - 1;
  await space.check();
  assert.match(space.lack() ?? "", /nearly full: 4 MiB are free, 5 MiB are the reserve/);
  free = 6 * mebibyte;
  await space.check();
  assert.equal(space.lack(), undefined);
});

test("the system is asked by default", async () => {
  const options = { directory: tmpdir(), reserveBytes: Number.MAX_SAFE_INTEGER };
  const space = createDiskSpace(options);
  await space.check();
  assert.match(space.lack() ?? "", /nearly full/);
});
