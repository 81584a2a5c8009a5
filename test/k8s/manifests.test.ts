/** The manifests as kubectl renders them, held against what the processes really are. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { coordinatorConfig } from "@turntable/coordinator/config";
import { generatorConfig } from "@turntable/generation/config";
import { minerConfig } from "@turntable/miner/config";
import { type ConfigDefinition, ConfigError, configOptions, loadConfig } from "@turntable/process";
import { promptServiceConfig } from "@turntable/prompts/config";
import { workerConfig } from "@turntable/validation/config";
import { z } from "zod";
import { components, type Rendered, render, skip, type Workload } from "./rendered.ts";

const configs: Readonly<Record<string, ConfigDefinition>> = {
  coordinator: coordinatorConfig,
  worker: workerConfig,
  "worker-synthetic": workerConfig,
  generator: generatorConfig,
  miner: minerConfig,
  prompts: promptServiceConfig,
};

/** Of libraries, not of ours. SQLite's temporary files may be as large as the database: they go to its volume. */
const otherVariables: ReadonlySet<string> = new Set(["SQLITE_TMPDIR"]);

/** Of a volume, what its file system leaves for files. */
const fileSystemShare = 0.9;

/** What goes on top of another component only. */
const needs: Readonly<Record<string, readonly string[]>> = {
  "keda-to-zero": ["keda"],
  "synthetic-pool": ["keda"],
};
const renderings: readonly (readonly [string, ...string[]])[] = [
  ["base"],
  ["overlays/dev"],
  ["overlays/prod"],
  ...components.map((name) => ["base", ...(needs[name] ?? []), name] as const),
];

for (const [folder, ...added] of renderings) {
  test(`${[folder, ...added].join(" + ")}`, { skip }, async (t) => {
    // Reading it is a test, too: the schema is what Pod Security `restricted` asks for, and more.
    const rendered = render(folder, ...added);
    await t.test("every variable exists, and the configuration it makes is valid", () => {
      checkVariables(rendered);
    });
    await t.test("selectors, ports, probes and volumes point at what is there", () => {
      checkReferences(rendered);
    });
    await t.test("container ports are those that the processes listen on", () => {
      checkPorts(rendered);
    });
    await t.test("a pod's grace period is longer than its process's", () => {
      checkGracePeriods(rendered);
    });
    await t.test("what the coordinator keeps at most fits on its volume", () => {
      checkVolume(rendered);
    });
  });
}

test("a second coordinator can be added to one that runs: what the API server filled in has to go", {
  skip,
}, () => {
  const strategies = (...added: readonly string[]): unknown =>
    render("base", ...added).workloads.find(({ metadata }) => metadata.name === "coordinator")?.spec
      .updateStrategy;
  // kubectl removes only what the manifest that was applied before had.
  assert.deepEqual(strategies(), { type: "RollingUpdate", rollingUpdate: { partition: 0 } });
  assert.deepEqual(strategies("standby"), { type: "OnDelete" });
});

test("images that were loaded into a laptop's cluster are not looked for elsewhere", {
  skip,
}, () => {
  for (const { metadata, spec } of render("overlays/dev").workloads) {
    const [container] = spec.template.spec.containers;
    assert.equal(container?.imagePullPolicy, "IfNotPresent", metadata.name);
  }
});

test("where every GPU is taken, workers are replaced all the same, however few they are", {
  skip,
}, () => {
  const rendered = render("base", "keda", "synthetic-pool", "gpu-nvidia");
  const strategies = rendered.workloads.flatMap(({ kind, spec }) =>
    kind === "Deployment" ? [spec.strategy] : [],
  );
  const strategy = { rollingUpdate: { maxSurge: "25%", maxUnavailable: 1 } };
  assert.deepEqual(strategies, [strategy, strategy]);
});

test("with a pool for synthetic jobs each class has workers, and synthetic ones may have none", {
  skip,
}, () => {
  const order = ["keda", "synthetic-pool", "tls", "gpu-nvidia"];
  const rendered = render("base", ...order);
  const pool = (name: string): Workload =>
    rendered.workloads.find(({ metadata }) => metadata.name === name) ?? assert.fail(name);
  const classes = ["worker", "worker-synthetic"].map(
    (name) => rendered.environmentOf(pool(name)).TURNTABLE_JOB_CLASSES,
  );
  assert.deepEqual(classes, ["organic,scoring", "synthetic"]);
  // What changes workers changes those of both pools.
  const [worker, synthetic] = ["worker", "worker-synthetic"].map((name) => {
    const [container = assert.fail()] = pool(name).spec.template.spec.containers;
    const { image, resources, volumeMounts } = container;
    return { image, resources, volumeMounts };
  });
  assert.deepEqual(synthetic, worker);
  assert.equal(worker?.resources.limits["nvidia.com/gpu"], "1");
  const scaled = z.object({
    kind: z.literal("ScaledObject"),
    spec: z.object({
      scaleTargetRef: z.object({ name: z.string() }),
      minReplicaCount: z.number(),
      triggers: z.array(z.object({ metadata: z.object({ consumer: z.string() }) })),
    }),
  });
  const scaledObjects = rendered.objects.flatMap((object) => {
    const parsed = scaled.safeParse(object);
    return parsed.success ? [parsed.data.spec] : [];
  });
  assert.deepEqual(
    scaledObjects
      .map(({ scaleTargetRef, minReplicaCount, triggers }) => [
        scaleTargetRef.name,
        minReplicaCount,
        triggers.map(({ metadata }) => metadata.consumer).join(),
      ])
      .toSorted(),
    [
      ["worker", 1, "workers-organic,workers-scoring"],
      ["worker-synthetic", 0, "workers-synthetic"],
    ],
  );
});

function* ours({ workloads }: Rendered): Generator<readonly [Workload, ConfigDefinition]> {
  for (const workload of workloads) {
    const definition = configs[workload.metadata.name];
    assert.ok(definition !== undefined || workload.metadata.name === "nats");
    if (definition !== undefined) {
      yield [workload, definition];
    }
  }
}

function checkVariables(rendered: Rendered): void {
  for (const [workload, definition] of ours(rendered)) {
    const { name } = workload.metadata;
    const env = rendered.environmentOf(workload);
    const known = new Set(configOptions(definition.schema).map(({ variable }) => variable));
    for (const variable of Object.keys(env)) {
      const isKnown = known.has(variable) || otherVariables.has(variable);
      assert.ok(isKnown, `${name}: ${variable} is no variable of the process`);
    }
    try {
      loadConfig(definition, { argv: [], env, readFile: () => "" });
    } catch (error) {
      if (error instanceof ConfigError) {
        assert.fail(`${name}: ${error.message}`);
      }
      throw error;
    }
  }
}

function checkReferences({ workloads, services }: Rendered): void {
  assert.ok(workloads.length >= 3);
  for (const { metadata, spec } of workloads) {
    const pod = spec.template;
    for (const [key, value] of Object.entries(spec.selector.matchLabels)) {
      assert.equal(pod.metadata.labels[key], value, `${metadata.name}: selector`);
    }
    const [first = assert.fail()] = pod.spec.containers;
    const ports = new Set(first.ports.map((port) => port.name));
    const probes = [first.startupProbe, first.readinessProbe, first.livenessProbe];
    for (const { httpGet } of probes) {
      assert.ok(ports.has(httpGet.port), `${metadata.name}: port ${httpGet.port}`);
      if (metadata.name !== "nats") {
        assert.ok(["/livez", "/readyz", "/health"].includes(httpGet.path), httpGet.path);
      }
    }
    const volumes = [...pod.spec.volumes, ...spec.volumeClaimTemplates.map((v) => v.metadata)];
    assert.deepEqual(
      volumes.map(({ name }) => name).toSorted(),
      first.volumeMounts.map(({ name }) => name).toSorted(),
      `${metadata.name}: volumes and mounts`,
    );
  }
  for (const { metadata, spec } of services) {
    const behind = workloads.filter((candidate) =>
      Object.entries(spec.selector).every(
        ([key, value]) => candidate.spec.template.metadata.labels[key] === value,
      ),
    );
    assert.equal(behind.length, 1, `service ${metadata.name} selects ${behind.length} workloads`);
    const names = behind[0]?.spec.template.spec.containers[0]?.ports.map(({ name }) => name) ?? [];
    for (const { targetPort } of spec.ports) {
      assert.ok(names.includes(targetPort), targetPort);
    }
  }
}

function checkPorts(rendered: Rendered): void {
  for (const [workload, definition] of ours(rendered)) {
    const options = configOptions(definition.schema);
    const set = rendered.environmentOf(workload);
    const isOff = (group: string | undefined): boolean =>
      options.some(
        ({ path, variable }) =>
          path[0] === group && path[1] === "enabled" && set[variable] !== "true",
      );
    const defaults = options
      .filter(({ path }) => path.at(-1) === "port" && !isOff(path[0]))
      .map(({ defaultText }) => Number(defaultText));
    const [first = assert.fail()] = workload.spec.template.spec.containers;
    const ports = first.ports.map(({ containerPort }) => containerPort);
    assert.deepEqual(ports.toSorted(), defaults.toSorted(), workload.metadata.name);
  }
}

function checkGracePeriods(rendered: Rendered): void {
  for (const [{ metadata, spec }, definition] of ours(rendered)) {
    const own = configOptions(definition.schema).find(({ path }) => path[0] === "gracePeriodMs");
    const graceMs = Number(own?.defaultText);
    assert.ok(spec.template.spec.terminationGracePeriodSeconds * 1000 > graceMs, metadata.name);
  }
}

/** Else it refuses what comes once the disk is full, and never removes what is oldest. */
function checkVolume(rendered: Rendered): void {
  const coordinator = rendered.workloads.find(({ metadata }) => metadata.name === "coordinator");
  assert.ok(coordinator !== undefined);
  const env = rendered.environmentOf(coordinator);
  const { retention, limits } = loadConfig(coordinatorConfig, {
    argv: [],
    env,
    readFile: () => "",
  });
  const kept = retention.assetBytes + retention.databaseBytes + limits.reserveBytes;
  const [claim] = coordinator.spec.volumeClaimTemplates;
  const volume = Number.parseInt(claim?.spec.resources.requests.storage ?? "", 10) * 1024 ** 3;
  assert.ok(kept <= fileSystemShare * volume, `${kept} of ${volume} bytes`);
}
