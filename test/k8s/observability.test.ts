/** Alert rules and dashboards as files; that their metrics exist is seen in e2e. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { stringify } from "yaml";
import {
  alerts,
  dashboards,
  metricsIn,
  namedMetrics,
  ruleSpec,
  ruleTestsText,
  runbooks,
  testedAlerts,
} from "./observability.ts";

const promtool = spawnSync("promtool", ["--version"]).status === 0;

test("each alert's runbook says what it means, where to look and what to do", () => {
  for (const { alert, annotations } of alerts) {
    const link = `k8s/observability/README.md#${alert.toLowerCase()}`;
    assert.equal(annotations.runbook_url, link);
    const section = runbooks.split(/^### /m).find((text) => text.startsWith(`${alert}\n`));
    assert.match(section ?? "", /^\w+\n\n(Critical|Warning)\. .+\n\nLook: .+\n\nDo: .+/s, alert);
  }
});

test("each panel has a unit, a legend, and a data source that is asked for", () => {
  for (const { panels } of dashboards) {
    for (const { type, title, fieldConfig, targets } of panels) {
      const isPanel = fieldConfig !== undefined && (targets ?? []).length > 0;
      assert.ok(type === "row" || isPanel, title);
    }
  }
});

test("panels have ids of their own, and none lies upon another", () => {
  for (const { title, panels } of dashboards) {
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length, title);
    const taken = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, at) => `${x + (at % w)},${y + Math.floor(at / w)}`),
    );
    assert.equal(new Set(taken).size, taken.length, title);
  }
});

test("metrics are told from functions, labels and words of an expression", () => {
  const expr = 'sum by (le, pod) (rate(a_total{x=~"b"}[5m])) / 2e3 > 0.5 and on (pod) time() - c:d';
  assert.deepEqual(metricsIn(expr), ["a_total", "c:d"]);
  assert.ok(namedMetrics().size > 40);
});

test("a rule test says for each alert on which series it fires", () => {
  const names = alerts.map(({ alert }) => alert);
  assert.deepEqual([...testedAlerts].toSorted(), names.toSorted());
});

test("promtool takes the rules, each fires where it should, and none where all is well", {
  skip: promtool ? false : "promtool (Debian's package prometheus) is not on PATH",
}, () => {
  const directory = mkdtempSync(join(tmpdir(), "turntable-rules-"));
  try {
    writeFileSync(join(directory, "rules.yaml"), stringify(ruleSpec));
    writeFileSync(join(directory, "rules.test.yaml"), ruleTestsText);
    for (const args of [
      ["check", "rules", "rules.yaml"],
      ["test", "rules", "rules.test.yaml"],
    ]) {
      const result = spawnSync("promtool", args, { cwd: directory, encoding: "utf8" });
      assert.equal(result.status, 0, result.stderr + result.stdout);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});
