import assert from "node:assert/strict";
import { test } from "node:test";
import { firstCamera, freed, stageCameraOf, surroundingsOf, turned, zoomed } from "./camera.ts";
import type { AssetFacts } from "./messages.ts";

const rule = {
  radius: 2.5,
  size: 512,
  fovyDeg: 49.1,
  background: [1, 1, 1],
} as const;
const facts: AssetFacts = {
  format: "ply",
  sizeBytes: 1,
  count: 1,
  shDegree: 0,
  notes: [],
  findings: [],
  centre: [10, 0, -4],
  reach: 20,
};
const cameras = [{ azimuthDeg: 30, elevationDeg: 12, probability: 0.5 }];

test("a scored asset is looked at where the scored cameras look, from as far", () => {
  const around = surroundingsOf(rule, cameras, facts);
  assert.deepEqual([around.target, around.radius], [[0, 0, 0], 2.5]);
  assert.deepEqual(stageCameraOf({ kind: "scored", view: 0 }, around), {
    azimuthDeg: 30,
    elevationDeg: 12,
    radius: 2.5,
    target: [0, 0, 0],
  });
});

test("another asset is looked at wherever it lies, from where all of it is seen", () => {
  const around = surroundingsOf(rule, [], facts);
  const { target, radius } = stageCameraOf(firstCamera(around), around);
  assert.deepEqual(target, [10, 0, -4]);
  assert.ok(radius * Math.sin((rule.fovyDeg / 2) * (Math.PI / 180)) > facts.reach);
  assert.equal(surroundingsOf(rule, [], { ...facts, reach: 0 }).radius, 2.5);
});

test("who turns a scored camera goes on from there, freely", () => {
  const around = surroundingsOf(rule, cameras, facts);
  const free = freed({ kind: "scored", view: 0 }, around);
  assert.deepEqual(turned(free, -40, 3), {
    kind: "free",
    azimuthDeg: 350,
    elevationDeg: 15,
    radius: 2.5,
  });
  assert.equal(turned(free, 0, 900).elevationDeg, 89);
});

test("the eye comes no nearer and goes no farther than makes sense", () => {
  const around = surroundingsOf(rule, cameras, facts);
  const near = zoomed(firstCamera(around), 1e-9, around);
  assert.ok(near.radius > 0.1);
  assert.ok(zoomed(near, 1e9, around).radius < 100);
});
