/** Who may talk to whom: NetworkPolicies as a CNI plugin reads them, held against what the configuration connects. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import {
  type NetworkPolicy,
  type Rendered,
  render,
  type Selector,
  skip,
  type Workload,
} from "./rendered.ts";

type Labels = Readonly<Record<string, string>>;

/** Pods here and elsewhere. The namespace's labels are empty for those of the same namespace. */
interface Pod {
  readonly labels: Labels;
  readonly namespace?: string;
}

function selects({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Labels): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, values }) => values.includes(labels[key] ?? ""))
  );
}

type Peers = NetworkPolicy["spec"]["ingress"][number]["from"];

/** Without peers a rule is for everybody. */
function includes(peers: Peers, pod: Pod): boolean {
  return (
    peers === undefined ||
    peers.some(({ podSelector, namespaceSelector, ipBlock }) => {
      if (ipBlock !== undefined) {
        return false; // of addresses outside
      }
      const isNamespace =
        namespaceSelector === undefined
          ? pod.namespace === undefined
          : selects(namespaceSelector, { "kubernetes.io/metadata.name": pod.namespace ?? "" });
      return isNamespace && selects(podSelector ?? {}, pod.labels);
    })
  );
}

/** May `from` connect to that port of `to`? Both sides must say so, since both are closed by default. */
function allows(
  { policies }: Rendered,
  from: Pod,
  to: Workload,
  port: { readonly name: string; readonly containerPort: number },
): boolean {
  const labels = to.spec.template.metadata.labels;
  const fits = (ports: readonly { readonly port: string | number }[]): boolean =>
    ports.some((rule) => rule.port === port.name || rule.port === port.containerPort);
  const enters = policies
    .filter(({ spec }) => selects(spec.podSelector, labels))
    .some(({ spec }) => spec.ingress.some((rule) => fits(rule.ports) && includes(rule.from, from)));
  const leaves =
    from.namespace !== undefined ||
    policies
      .filter(({ spec }) => selects(spec.podSelector, from.labels))
      .some(({ spec }) =>
        spec.egress.some((rule) => fits(rule.ports) && includes(rule.to, { labels })),
      );
  return enters && leaves;
}

/** `a → b:port` for all that may connect. */
function edges(rendered: Rendered): readonly string[] {
  const found: string[] = [];
  for (const from of rendered.workloads) {
    for (const to of rendered.workloads) {
      for (const port of to.spec.template.spec.containers[0]?.ports ?? []) {
        if (allows(rendered, { labels: from.spec.template.metadata.labels }, to, port)) {
          found.push(`${from.metadata.name} → ${to.metadata.name}:${port.name}`);
        }
      }
    }
  }
  return found.toSorted();
}

const base = ["coordinator → nats:client", "worker → nats:client"];
const cases: readonly (readonly [string, readonly string[]])[] = [
  ["base", base],
  ["overlays/dev", [...base, "miner → coordinator:axon", "miner → generator:http"]],
  ["overlays/prod", [...base, "coordinator → prompts:http", "nats → nats:cluster"]],
];

for (const [folder, expected] of cases) {
  test(`${folder}: pods reach each other as listed here, and not otherwise`, { skip }, () => {
    const rendered = render(folder);
    assert.deepEqual(edges(rendered), expected.toSorted());
  });

  test(`${folder}: what the configuration connects may connect`, { skip }, () => {
    const rendered = render(folder);
    let urls = 0;
    for (const from of rendered.workloads) {
      const text = Object.values(rendered.environmentOf(from)).join(" ");
      for (const { metadata, spec } of rendered.services) {
        for (const port of spec.ports) {
          if (!text.includes(`//${metadata.name}:${port.port}`)) {
            continue;
          }
          urls += 1;
          const to = rendered.workloads.find((candidate) =>
            selects({ matchLabels: spec.selector }, candidate.spec.template.metadata.labels),
          );
          const target = to?.spec.template.spec.containers[0]?.ports.find(
            ({ name }) => name === port.targetPort,
          );
          assert.ok(to !== undefined && target !== undefined);
          const pod = { labels: from.spec.template.metadata.labels };
          assert.ok(
            allows(rendered, pod, to, target),
            `${from.metadata.name} → ${metadata.name}:${port.port}`,
          );
        }
      }
    }
    assert.ok(urls >= 2);
  });

  test(`${folder}: everything is closed by default, and names are found`, { skip }, () => {
    const { policies } = render(folder);
    const closed = policies.find(({ metadata }) => metadata.name === "default-deny");
    assert.deepEqual(closed?.spec, {
      podSelector: {},
      policyTypes: ["Ingress", "Egress"],
      ingress: [],
      egress: [],
    });
    const dns = policies.find(({ metadata }) => metadata.name === "dns");
    assert.deepEqual(dns?.spec.podSelector, {});
    assert.deepEqual(
      dns?.spec.egress[0]?.ports.map(({ protocol, port }) => `${protocol} ${port}`),
      ["UDP 53", "TCP 53"],
    );
  });
}

const coordinatorOf = (rendered: Rendered): Workload =>
  rendered.workloads.find(({ metadata }) => metadata.name === "coordinator") ?? assert.fail();
const portOf = (workload: Workload, wanted: string) =>
  workload.spec.template.spec.containers[0]?.ports.find(({ name }) => name === wanted) ??
  assert.fail(wanted);

test("the axon is open to everybody, the API to pods that say that they use it", { skip }, () => {
  const rendered = render("base");
  const coordinator = coordinatorOf(rendered);
  const stranger: Pod = { labels: {}, namespace: "elsewhere" };
  const client: Pod = { labels: { "turntable/api-client": "true" }, namespace: "elsewhere" };
  const may = (pod: Pod, port: string): boolean =>
    allows(rendered, pod, coordinator, portOf(coordinator, port));
  assert.deepEqual(
    ["axon", "grpc", "http"].map((port) => [port, may(stranger, port), may(client, port)]),
    [
      ["axon", true, true],
      ["grpc", false, true],
      ["http", false, true],
    ],
  );
});

test("workers of a pool of their own reach NATS, and nobody reaches them", { skip }, () => {
  const rendered = render("base", "keda", "synthetic-pool");
  const withPool = [...base, "worker-synthetic → nats:client"];
  assert.deepEqual(edges(rendered), withPool.toSorted());
});

test("a component opens what it needs, for its own namespace alone", { skip }, () => {
  const openings = [
    ["keda", "nats", "monitor", "keda"],
    ["monitoring", "worker", "http", "monitoring"],
    ["monitoring", "coordinator", "http", "monitoring"],
    ["gateway", "coordinator", "grpc", "envoy-gateway-system"],
    ["monitoring", "miner", "http", "monitoring", "overlays/dev"],
    ["monitoring", "generator", "http", "monitoring", "overlays/dev"],
  ] as const;
  for (const [component, name, port, namespace, folder = "base"] of openings) {
    const has = (rendered: Rendered, from: string): boolean => {
      const to = rendered.workloads.find(({ metadata }) => metadata.name === name);
      assert.ok(to !== undefined);
      return allows(rendered, { labels: {}, namespace: from }, to, portOf(to, port));
    };
    assert.equal(has(render(folder), namespace), false, component);
    assert.equal(has(render(folder, component), namespace), true, component);
    assert.equal(has(render(folder, component), "elsewhere"), false, component);
  }
});

const secretNames = z.object({
  kind: z.string(),
  metadata: z.object({ name: z.string() }),
});

test("base and prod bring no Secret: those that they name are the operator's", { skip }, () => {
  const named = (folder: string): readonly string[] => {
    const { objects, workloads } = render(folder);
    const brought = objects.filter((object) => secretNames.parse(object).kind === "Secret");
    assert.deepEqual(brought, []);
    const volumes = workloads.flatMap(({ spec }) => spec.template.spec.volumes);
    return [...new Set(volumes.flatMap(({ secret }) => secret?.secretName ?? []))].toSorted();
  };
  assert.deepEqual(named("base"), ["api-keys", "validator-hotkey"]);
  assert.deepEqual(named("overlays/prod"), [
    "api-keys",
    "nats-passwords",
    "nats-tls",
    "validator-hotkey",
  ]);
});
