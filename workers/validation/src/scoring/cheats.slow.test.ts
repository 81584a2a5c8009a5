/** What miners have tried on the subnet, each as an asset, and what comes of it. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, test } from "node:test";
import { subnetAcceptance } from "@turntable/proto";
import {
  AssetError,
  defaultAssetLimits,
  fingerprint,
  isSame,
  readSpz,
  type Splat,
  shC0,
  writePly,
  writeSpz,
} from "@turntable/splat";
import {
  ball,
  cloudOf,
  createRandom,
  direction,
  noisy,
  reordered,
  together,
} from "@turntable/splat/test";
import { startCpuRenderer } from "../render/index.ts";
import { defaultModelDir, loadClip } from "../score/index.ts";
import { loadProfile } from "./profile.ts";
import { type ScoredAsset, scoreAsset } from "./score-asset.ts";

const scorer = {
  renderer: await startCpuRenderer(2),
  clip: await loadClip(defaultModelDir),
  limits: { ...defaultAssetLimits, maxSplats: 20_000 },
};
after(async () => {
  await scorer.renderer[Symbol.asyncDispose]();
  await scorer.clip[Symbol.asyncDispose]();
});

async function score(splat: Splat, prompt: string, profile = "sn17-seed"): Promise<ScoredAsset> {
  const bytes = writePly(splat);
  return await scoreAsset(scorer, {
    bytes,
    prompt,
    profile: await loadProfile(profile),
    cameraSeed: 1n,
  });
}

const weakShare = ({ views }: ScoredAsset): number =>
  views.filter(({ probability }) => probability < subnetAcceptance).length / views.length;

type Colour = readonly [number, number, number];

/** Dense enough to have no holes. */
function painted(splat: Splat, colourAt: (x: number, y: number, z: number) => Colour): Splat {
  const shDc = new Float32Array(splat.count * 3);
  for (let i = 0; i < splat.count; i++) {
    const [x = 0, y = 0, z = 0] = splat.positions.subarray(i * 3, i * 3 + 3);
    shDc.set(
      colourAt(x, y, z).map((value) => (value - 0.5) / shC0),
      i * 3,
    );
  }
  return { ...splat, shDc };
}

const red: Colour = [0.86, 0.12, 0.12];
const blue: Colour = [0.12, 0.12, 0.86];
const redBall = painted(ball(6_000, createRandom(1)), () => red);

async function assertRejected(splat: Splat, code: string): Promise<void> {
  await assert.rejects(
    score(splat, "a red ball", "sn17-strict"),
    (error) => error instanceof AssetError && error.code === code,
  );
}

test("an honest asset is accepted by both rules, with nothing found", async () => {
  for (const profile of ["sn17-seed", "sn17-strict"]) {
    const scored = await score(redBall, "a red ball", profile);
    assert.deepEqual(scored.findings, []);
    assert.equal(weakShare(scored), 0);
  }
});

test("cheat: white geometry on the white ground: what cannot be seen is not scored well", async () => {
  const white = painted(redBall, () => [1, 1, 1]);
  for (const prompt of ["a red ball", "a white ball", "a ball"]) {
    const scored = await score(white, prompt);
    assert.ok(scored.score < subnetAcceptance, `${prompt}: ${scored.score}`);
    assert.equal(weakShare(scored), 1);
  }
});

test("cheat: one flat card with a picture", async () => {
  const random = createRandom(2);
  const card = cloudOf(6_000, random, () => [random() - 0.5, random() - 0.5, 0.005 * random()]);
  const cheat = painted(card, () => red);
  const { findings } = await score(cheat, "a red ball");
  assert.ok(findings.some(({ code, severity }) => code === "flat" && severity === "error"));
  await assertRejected(cheat, "lint-flat");
});

test("cheat: right from the front only: the views tell, and where there is no back, lint", async () => {
  const twoFaced = painted(redBall, (_x, _y, z) => (z > 0 ? red : blue));
  const share = weakShare(await score(twoFaced, "a red ball"));
  assert.ok(share > 0.25 && share < 0.75, `${share}`);

  const random = createRandom(3);
  const front = cloudOf(8_000, random, () => {
    const [x, y, z] = direction(random);
    return [0.6 * x, 0.6 * y, 0.6 * Math.abs(z) - 0.3];
  });
  const { findings } = await score(front, "a red ball");
  assert.deepEqual(
    findings.map(({ code }) => code),
    ["one-sided"],
  );
  await assertRejected(front, "lint-one-sided");
});

test("cheat: splats that nobody sees, in number", async () => {
  const hidden: Splat = {
    ...ball(7_000, createRandom(4)),
    opacities: new Float32Array(7_000).fill(-7),
  };
  const { findings } = await score(together(redBall, hidden), "a red ball");
  assert.deepEqual(
    findings.map(({ code }) => code),
    ["invisible"],
  );
  await assertRejected(together(redBall, hidden), "lint-invisible");
  const many = together(together(redBall, hidden), together(hidden, hidden));
  await assertRejected(many, "too-many-splats");
});

test("cheat: the same asset again, as it is and in disguise", async () => {
  const random = createRandom(5);
  const bytes = writePly(redBall);
  const known = fingerprint(bytes, redBall);
  assert.equal(fingerprint(bytes.slice(), redBall).content, known.content);
  const disguised = writeSpz(noisy(reordered(redBall, random), 0.0005, random));
  const other = fingerprint(disguised, await readSpz(disguised));
  assert.notEqual(other.content, known.content);
  assert.ok(isSame(other.geometry, known.geometry));
});

test("cheat: text written on the object pleases CLIP, which is no bar here, and the README says so", async () => {
  const readme = await readFile(new URL("../../../../README.md", import.meta.url), "utf8");
  assert.match(readme, /please CLIP by writing text on an object\. That is a known weakness/);
});
