import assert from "node:assert/strict";
import { test } from "node:test";
import { brokenAsset, originals, outcomeOf } from "../test/mutations.ts";

/** A slice of `npm run fuzz`, another series than its own. */
const inputs = 2_000;
/** The longest that one input may take, in ms of processor time: a busy machine is no hang. */
const longestMs = 2_000;

test("broken assets are read, or refused with a reason, in time", async () => {
  const sources = await originals();
  for (const { name, bytes } of sources) {
    assert.equal(await outcomeOf({ original: name, bytes }), "read", `${name}, unbroken`);
  }
  const seen = new Set<string>();
  for (let index = 0; index < inputs; index++) {
    const input = brokenAsset(sources, 2, index);
    const before = process.cpuUsage();
    seen.add(
      await outcomeOf(input).catch((cause: unknown) => {
        throw new Error(`input ${index}, ${input.original}`, { cause });
      }),
    );
    const { user, system } = process.cpuUsage(before);
    const took = (user + system) / 1000;
    assert.ok(took < longestMs, `input ${index}, ${input.original}: ${took} ms`);
  }
  for (const outcome of ["read", "malformed", "truncated", "non-finite", "too-many-splats"]) {
    assert.ok(seen.has(outcome), `none ended as ${outcome}`);
  }
});
