import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ball, cloudOf, createRandom, direction, type Point, together } from "../../test/shapes.ts";
import { AssetError, lint, measure, rejectByLint, type Splat } from "../index.ts";

const codes = (splat: Splat): readonly string[] => lint(splat).map(({ code }) => code);

/** Turned about an axis that is none of the coordinates'. */
function tilted([x, y, z]: Point): Point {
  const [c, s] = [Math.cos(0.6), Math.sin(0.6)];
  const [u, v] = [c * x - s * y, s * x + c * y];
  return [c * u - s * z, v, s * u + c * z];
}

test("an honest asset has no findings", () => {
  assert.deepEqual(codes(ball(4_000, createRandom(1))), []);
  // A pane with a frame is thin, but no card.
  const random = createRandom(2);
  const side = (): number => random() - 0.5;
  const box = cloudOf(4_000, random, () => {
    const point = [side(), side(), 0.2 * side()] as [number, number, number];
    const face = Math.floor(random() * 3);
    point[face] = Math.sign(point[face] ?? 0) * (face === 2 ? 0.1 : 0.5);
    return point;
  });
  assert.deepEqual(codes(box), []);
});

describe("the cheats of the subnet are found", () => {
  test("one flat card, however it is turned", () => {
    const random = createRandom(3);
    const flat = (thickness: number) => () =>
      tilted([random() - 0.5, random() - 0.5, (random() - 0.5) * thickness]);
    const card = lint(cloudOf(3_000, random, flat(0.015)));
    const finding = card.find(({ code }) => code === "flat");
    assert.equal(finding?.severity, "error");
    assert.ok(finding.value > 0.008 && finding.value < 0.015, `${finding.value}`);
    assert.equal(finding.limit, 0.02);
    assert.ok(!codes(cloudOf(3_000, random, flat(0.05))).includes("flat"));
  });

  test("a relief that is right from the front only", () => {
    const random = createRandom(4);
    const front = (): Point => {
      const [x, y, z] = direction(random);
      return [0.6 * x, 0.6 * y, 0.6 * Math.abs(z) - 0.3];
    };
    assert.deepEqual(codes(cloudOf(8_000, random, front)), ["one-sided"]);
    const closed = measure(ball(8_000, random)).oneSidedShare;
    assert.ok(closed < 0.15, `a closed ball: ${closed}`);
  });

  test("millions of invisible splats", () => {
    const random = createRandom(5);
    const some = ball(3_000, random);
    const hidden: Splat = { ...ball(4_000, random), opacities: new Float32Array(4_000).fill(-7) };
    const [finding, ...others] = lint(together(some, hidden));
    assert.deepEqual(others, []);
    assert.equal(finding?.code, "invisible");
    assert.ok(Math.abs((finding?.value ?? 0) - 4 / 7) < 1e-9);
    const many = lint(some, { maxSplats: 2_999 });
    assert.deepEqual(
      many.map(({ code, value, limit }) => [code, value, limit]),
      [["count", 3_000, 2_999]],
    );
  });

  test("the same splats again", () => {
    const some = ball(3_000, createRandom(6));
    const [finding] = lint(together(some, some));
    assert.deepEqual([finding?.code, finding?.value], ["duplicates", 0.5]);
  });
});

test("what readers refuse is counted, where a splat did not come from one", () => {
  const splat = ball(1_000, createRandom(7));
  splat.positions[4] = Number.NaN;
  splat.scales[9] = Infinity;
  splat.rotations.fill(0, 40, 48);
  const found = new Map(lint(splat).map(({ code, value }) => [code, value]));
  assert.deepEqual([found.get("non-finite"), found.get("zero-quaternion")], [2, 2]);
});

test("size, place, faintness, needles and floaters are measured", () => {
  const random = createRandom(8);
  const scaled = (factor: number): Splat => {
    const splat = ball(2_000, random);
    return { ...splat, positions: splat.positions.map((value) => value * factor) };
  };
  // Their deviations stay as they are.
  assert.deepEqual(codes(scaled(0.01)), ["extent", "oversized"]);
  assert.deepEqual(codes(scaled(10)), ["extent", "bounds"]);
  assert.deepEqual(codes(ball(2_000, random, [3, 0, 0])), ["bounds"]);
  const faint = { ...ball(2_000, random), opacities: new Float32Array(2_000).fill(-4) };
  assert.deepEqual(codes(faint), ["opacity-mass"]);
  const few = ball(100, random);
  assert.ok(codes(few).includes("count"));
  const needles = ball(2_000, random);
  for (let i = 0; i < 3_000; i += 3) {
    needles.scales[i] = Math.log(0.8);
  }
  assert.deepEqual(
    lint(needles).map(({ code, severity, value }) => [code, severity, value]),
    [["needles", "warning", 0.5]],
  );
  const dust = cloudOf(300, random, () => direction(random));
  const floating = lint(together(ball(3_000, random), dust));
  assert.deepEqual(
    floating.map(({ code, severity }) => [code, severity]),
    [["floaters", "warning"]],
  );
});

test("splats larger than the object, as values that are activated already make them, are told", () => {
  const sound = ball(2_000, createRandom(10));
  const activated = {
    ...sound,
    opacities: sound.opacities.map((logit) => 1 / (1 + Math.exp(-logit))),
    scales: sound.scales.map(Math.exp),
  };
  const [finding, ...others] = lint(activated);
  assert.deepEqual([finding?.code, finding?.severity, finding?.value], ["oversized", "error", 1]);
  assert.match(finding?.message ?? "", /convert --activated/);
  assert.deepEqual(others, []);
  assert.deepEqual(lint(sound), []);
});

test("rejecting takes the worst finding that is an error, and no warning", () => {
  const some = ball(3_000, createRandom(9));
  const findings = lint(together(some, some), { maxFloaterShare: -1 });
  assert.deepEqual(
    findings.map(({ code }) => code),
    ["duplicates", "floaters"],
  );
  assert.throws(
    () => rejectByLint(findings),
    (error) => error instanceof AssetError && error.code === "lint-duplicates",
  );
  rejectByLint(findings.filter(({ severity }) => severity === "warning"));
});
