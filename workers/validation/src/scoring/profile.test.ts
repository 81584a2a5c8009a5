import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createProfiles, loadProfile, ProfileError, profilesDir, summarise } from "./profile.ts";
import { viewsOf } from "./views.ts";

test("every profile that comes with the project loads", async () => {
  for (const file of (await readdir(profilesDir)).filter((name) => name.endsWith(".json"))) {
    const profile = await loadProfile(file.slice(0, -".json".length));
    assert.equal(viewsOf(profile, 1n).length, profile.views);
  }
});

test("a profile is read once; one that comes later is found", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "turntable-profiles-"));
  t.after(() => rm(directory, { recursive: true }));
  const profileOf = createProfiles(directory);
  await assert.rejects(profileOf("mine"), ProfileError);
  const { name: _, ...content } = await loadProfile("sn17-seed");
  await writeFile(join(directory, "mine.json"), JSON.stringify(content));
  const first = await profileOf("mine");
  assert.deepEqual(first, { name: "mine", ...content });
  await rm(join(directory, "mine.json"));
  assert.equal(await profileOf("mine"), first);
});

test("the documented first draw: seed 0 gives 15 degrees", async () => {
  const [first] = viewsOf(await loadProfile("sn17-seed"), 0n);
  assert.deepEqual(first, { azimuthDeg: 0, elevationDeg: 15, radius: 2.5 });
});

test("sn17-2025-10 goes once around with the first view at both ends, whatever the seed", async () => {
  const profile = await loadProfile("sn17-2025-10");
  const views = viewsOf(profile, 5n);
  assert.deepEqual(views, viewsOf(profile, 6n));
  assert.deepEqual([views[0]?.azimuthDeg, views.at(-1)?.azimuthDeg], [0, 360]);
  assert.ok(views.every((view) => view.elevationDeg === -15));
});

test("sn17-strict looks as sn17-seed does", async () => {
  const strict = await loadProfile("sn17-strict");
  const seed = await loadProfile("sn17-seed");
  const { name, description, lint } = seed;
  assert.deepEqual({ ...strict, name, description, lint }, seed);
  assert.deepEqual([strict.lint, lint], ["reject", "report"]);
});

test("sn17-2024-05 takes the views above 0.4, or all when there is none", async () => {
  const profile = await loadProfile("sn17-2024-05");
  assert.equal(summarise(profile, [0.95, ...new Array<number>(9).fill(0.2)]), 0.95);
  assert.equal(summarise(profile, [Math.fround(0.4), 0.5]), 0.5);
  assert.equal(summarise(profile, [0.3, 0.1]), 0.2);
});

test("a profile that makes no sense is refused with its file's name", async () => {
  const folder = await mkdtemp(join(tmpdir(), "turntable-profiles-"));
  try {
    const good = await loadProfile("sn17-seed");
    const { name, ...content } = good;
    const wrong = {
      unknown: { ...content, vews: 3 },
      empty: { ...content, elevation: { minDeg: 3, maxDeg: 3 } },
      both: { ...content, elevation: { minDeg: 3, maxDeg: 5, fixedDeg: 4 } },
      summary: { ...content, summary: "median" },
    };
    for (const [key, value] of Object.entries(wrong)) {
      await writeFile(join(folder, `${key}.json`), JSON.stringify(value));
      await assert.rejects(loadProfile(key, folder), (error) => {
        return error instanceof ProfileError && error.message.includes(`${key}.json`);
      });
    }
    await assert.rejects(loadProfile(name, folder), /no profile "sn17-seed"; there are both/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
