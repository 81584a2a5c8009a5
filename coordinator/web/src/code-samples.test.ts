import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { samplesOf } from "./code-samples.ts";

const nasty = `it's a "cat" \\ $(touch x) \`y\` \${z}\u2028🐈`;

function sample(name: string, needsKey = false): string {
  const samples = samplesOf({ prompt: nasty, baseUrl: "http://127.0.0.1:9090/p", needsKey });
  return samples.find((one) => one.name === name)?.code ?? "";
}

test("a shell hands curl the very prompt", () => {
  const script = `curl() { for last; do :; done; while [ "$1" != -d ]; do shift; done; printf %s "$2"; exit; }\n${sample("curl")}`;
  const body = execFileSync("sh", ["-c", script], { encoding: "utf8" });
  assert.deepEqual(JSON.parse(body), { prompt: nasty });
});

test("JavaScript reads the very prompt", () => {
  const [, literal = ""] = /generate\(("[^\n]*"), \{\n/.exec(sample("SDK")) ?? [];
  assert.equal(JSON.parse(literal), nasty);
});

test("a key is read from the environment, and only where one is needed", () => {
  for (const name of ["SDK", "curl", "Python"]) {
    assert.match(sample(name, true), /TURNTABLE_API_KEY/);
    assert.doesNotMatch(sample(name), /TURNTABLE_API_KEY/);
  }
});
