/** The dashboards and alert rules of k8s/observability, read into types, and the metrics that they name. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";

const folder = new URL("../../k8s/observability/", import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, folder), "utf8");

const rulesFile = z.object({
  spec: z.object({
    groups: z.array(
      z.object({
        rules: z.array(
          z.object({
            alert: z.string(),
            expr: z.string(),
            labels: z.strictObject({ severity: z.enum(["critical", "warning"]) }),
            annotations: z.strictObject({
              summary: z.string().min(1),
              description: z.string().min(1),
              runbook_url: z.string(),
            }),
          }),
        ),
      }),
    ),
  }),
});
const panel = z.object({
  id: z.number(),
  gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
  options: z.object({ legend: z.object({ showLegend: z.literal(true) }) }).optional(),
  type: z.string(),
  title: z.string().min(1),
  fieldConfig: z.object({ defaults: z.object({ unit: z.string().min(1) }) }).optional(),
  targets: z
    .array(
      z.object({
        datasource: z.object({ uid: z.templateLiteral(["$", "{datasource}"]) }),
        expr: z.string(),
        legendFormat: z.string().min(1),
      }),
    )
    .optional(),
});
const dashboard = z.object({ title: z.string(), panels: z.array(panel) });

const rules: unknown = parse(read("rules.yaml"));
/** What a Prometheus without the operator takes as a rule file, as it stands there. */
export const ruleSpec = z.object({ spec: z.unknown() }).parse(rules).spec;
export const alerts = rulesFile.parse(rules).spec.groups.flatMap(({ rules }) => rules);
export const dashboards = ["operator.json", "miners.json"].map((name) =>
  dashboard.parse(JSON.parse(read(name))),
);
/** The file of rule tests, as promtool takes it. */
export const ruleTestsText = read("rules.test.yaml");
const ruleTests = z
  .object({
    tests: z.array(
      z.object({
        name: z.string(),
        promql_expr_test: z.array(
          z.object({
            exp_samples: z.array(z.object({ labels: z.string() })).default([]),
          }),
        ),
      }),
    ),
  })
  .parse(parse(ruleTestsText)).tests;
/** Alerts that a rule test expects to fire, by name. */
export const testedAlerts: ReadonlySet<string> = new Set(
  ruleTests.flatMap(({ promql_expr_test: expected }) =>
    expected.flatMap(({ exp_samples: samples }) =>
      samples.flatMap(({ labels }) => /alertname="(\w+)"/.exec(labels)?.[1] ?? []),
    ),
  ),
);
export const runbooks = read("README.md");

const words = new Set(["by", "without", "on", "and", "or", "unless", "ignoring", "bool"]);

/** Names of the metrics in an expression: what is neither function, keyword, label nor text. */
export function metricsIn(expr: string): readonly string[] {
  const bare = expr
    .replace(/"[^"]*"/g, "")
    .replace(/\{[^}]*\}/g, "")
    .replace(/\[[^\]]*\]/g, "")
    .replace(/\b(by|without|on|ignoring)\s*\([^)]*\)/g, "");
  return [...bare.matchAll(/(?<![\w.])[a-zA-Z_:][\w:]*(?!\w)(?!\s*\()/g)]
    .map(([name]) => name)
    .filter((name) => !words.has(name));
}

/** All metrics that alerts and dashboards name, and where. */
export function namedMetrics(): ReadonlyMap<string, string> {
  const named = new Map<string, string>();
  const note = (expr: string, where: string): void => {
    for (const name of metricsIn(expr)) {
      named.set(name, where);
    }
  };
  for (const { alert, expr } of alerts) {
    note(expr, alert);
  }
  for (const { title, panels } of dashboards) {
    for (const { title: name, targets = [] } of panels) {
      for (const { expr } of targets) {
        note(expr, `${title}, ${name}`);
      }
    }
  }
  return named;
}
