/** The manifests as kubectl renders them, held against what the processes really are. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { coordinatorConfig } from "@turntable/coordinator/config";
import { generatorConfig } from "@turntable/generation/config";
import { minerConfig } from "@turntable/miner/config";
import { type ConfigDefinition, ConfigError, configOptions, loadConfig } from "@turntable/process";
import { promptServiceConfig } from "@turntable/prompts/config";
import { GenerationService } from "@turntable/proto";
import { workerConfig } from "@turntable/validation/config";
import { parseAllDocuments } from "yaml";
import { z } from "zod";

const root = new URL("../..", import.meta.url).pathname;
const configs: Readonly<Record<string, ConfigDefinition>> = {
  coordinator: coordinatorConfig,
  worker: workerConfig,
  generator: generatorConfig,
  miner: minerConfig,
  prompts: promptServiceConfig,
};
/** Paths that the processes' status servers answer, and the generator's own. */
const httpPaths = ["/livez", "/readyz", "/health"];

const labels = z.record(z.string(), z.string());
const probe = z.object({
  httpGet: z.object({ path: z.string(), port: z.string() }).optional(),
  grpc: z.object({ port: z.number(), service: z.string() }).optional(),
});
const container = z.object({
  name: z.string(),
  image: z.string(),
  env: z.array(z.object({ name: z.string(), value: z.string().optional() })).default([]),
  ports: z.array(z.object({ name: z.string(), containerPort: z.number() })).default([]),
  startupProbe: probe.optional(),
  readinessProbe: probe,
  livenessProbe: probe,
  securityContext: z.object({ allowPrivilegeEscalation: z.literal(false) }),
  volumeMounts: z.array(z.object({ name: z.string() })).default([]),
});
const workload = z.object({
  kind: z.enum(["Deployment", "StatefulSet"]),
  metadata: z.object({ name: z.string() }),
  spec: z.object({
    selector: z.object({ matchLabels: labels }),
    volumeClaimTemplates: z
      .array(z.object({ metadata: z.object({ name: z.string() }) }))
      .default([]),
    template: z.object({
      metadata: z.object({ labels }),
      spec: z.object({
        enableServiceLinks: z.literal(false),
        automountServiceAccountToken: z.literal(false),
        terminationGracePeriodSeconds: z.number().default(30),
        securityContext: z.object({ runAsNonRoot: z.literal(true) }),
        containers: z.array(container).length(1),
        volumes: z.array(z.object({ name: z.string() })).default([]),
      }),
    }),
  }),
});
type Workload = z.infer<typeof workload>;
const service = z.object({
  kind: z.literal("Service"),
  metadata: z.object({ name: z.string() }),
  spec: z.object({
    selector: labels,
    ports: z.array(z.object({ targetPort: z.string() })),
  }),
});

const version = spawnSync("kubectl", ["version", "--client", "-o", "json"], { encoding: "utf8" });
const minor = Number(/"minor": "(\d+)/.exec(version.stdout ?? "")?.[1] ?? 0);
const skip = minor >= 27 ? false : "kubectl 1.27 or newer is not on PATH";

function render(folder: string): readonly unknown[] {
  const result = spawnSync("kubectl", ["kustomize", `${root}k8s/${folder}`], {
    encoding: "utf8",
    maxBuffer: 16 << 20,
  });
  assert.equal(result.status, 0, result.stderr);
  return parseAllDocuments(result.stdout).map((document): unknown => document.toJS());
}

function workloadsOf(objects: readonly unknown[]): readonly Workload[] {
  const kind = z.object({ kind: z.string() });
  return objects
    .filter((object) => ["Deployment", "StatefulSet"].includes(kind.parse(object).kind))
    .map((object) => workload.parse(object));
}

for (const folder of ["base", "overlays/dev"]) {
  test(`${folder}: every variable exists, and the configuration it makes is valid`, {
    skip,
  }, () => {
    for (const { metadata, spec } of workloadsOf(render(folder))) {
      const definition = configs[metadata.name];
      const [first] = spec.template.spec.containers;
      if (definition === undefined || first === undefined) {
        continue;
      }
      const known = new Set(configOptions(definition.schema).map(({ variable }) => variable));
      for (const { name } of first.env) {
        assert.ok(known.has(name), `${metadata.name}: ${name} is no variable of the process`);
      }
      const env = Object.fromEntries(first.env.map(({ name, value }) => [name, value ?? "x"]));
      try {
        loadConfig(definition, { argv: [], env, readFile: () => "" });
      } catch (error) {
        if (error instanceof ConfigError) {
          assert.fail(`${metadata.name}: ${error.message}`);
        }
        throw error;
      }
    }
  });

  test(`${folder}: selectors, ports, probes and volumes point at what is there`, { skip }, () => {
    const objects = render(folder);
    const workloads = workloadsOf(objects);
    assert.ok(workloads.length >= 3);
    for (const { metadata, spec } of workloads) {
      const pod = spec.template;
      for (const [key, value] of Object.entries(spec.selector.matchLabels)) {
        assert.equal(pod.metadata.labels[key], value, `${metadata.name}: selector`);
      }
      const [first = assert.fail()] = pod.spec.containers;
      const ports = new Map(first.ports.map((port) => [port.name, port.containerPort]));
      const probes = [first.startupProbe, first.readinessProbe, first.livenessProbe];
      for (const { httpGet, grpc } of probes.filter((found) => found !== undefined)) {
        assert.ok(httpGet !== undefined || grpc !== undefined, `${metadata.name}: empty probe`);
        if (httpGet !== undefined) {
          assert.ok(ports.has(httpGet.port), `${metadata.name}: port ${httpGet.port}`);
          if (metadata.name !== "nats") {
            assert.ok(httpPaths.includes(httpGet.path), httpGet.path);
          }
        }
        if (grpc !== undefined) {
          assert.ok([...ports.values()].includes(grpc.port));
          assert.equal(grpc.service, GenerationService.typeName);
        }
      }
      const volumes = [...pod.spec.volumes, ...spec.volumeClaimTemplates.map((v) => v.metadata)];
      const names = new Set(volumes.map((volume) => volume.name));
      for (const { name } of first.volumeMounts) {
        assert.ok(names.has(name), `volume ${name}`);
      }
    }
    for (const { metadata, spec } of objects.flatMap(
      (object) => service.safeParse(object).data ?? [],
    )) {
      const behind = workloads.filter((candidate) =>
        Object.entries(spec.selector).every(
          ([key, value]) => candidate.spec.template.metadata.labels[key] === value,
        ),
      );
      assert.equal(behind.length, 1, `service ${metadata.name} selects ${behind.length} workloads`);
      const names =
        behind[0]?.spec.template.spec.containers[0]?.ports.map(({ name }) => name) ?? [];
      for (const { targetPort } of spec.ports) {
        assert.ok(names.includes(targetPort), targetPort);
      }
    }
  });

  test(`${folder}: container ports are those that the processes listen on`, { skip }, () => {
    for (const { metadata, spec } of workloadsOf(render(folder))) {
      const definition = configs[metadata.name];
      const [first] = spec.template.spec.containers;
      if (definition === undefined || first === undefined) {
        continue;
      }
      const options = configOptions(definition.schema);
      const set = new Map(first.env.map(({ name, value }) => [name, value]));
      const isOff = (group: string | undefined): boolean =>
        options.some(
          ({ path, variable }) =>
            path[0] === group && path[1] === "enabled" && set.get(variable) !== "true",
        );
      const defaults = options
        .filter(({ path }) => path.at(-1) === "port" && !isOff(path[0]))
        .map(({ defaultText }) => Number(defaultText));
      const ports = first.ports.map(({ containerPort }) => containerPort);
      assert.deepEqual(ports.toSorted(), defaults.toSorted(), metadata.name);
    }
  });
}

test("a pod's grace period is longer than its process's", { skip }, () => {
  for (const { metadata, spec } of workloadsOf(render("base"))) {
    const definition = configs[metadata.name];
    if (definition === undefined) {
      continue;
    }
    const own = configOptions(definition.schema).find(({ path }) => path[0] === "gracePeriodMs");
    const graceMs = Number(own?.defaultText);
    assert.ok(spec.template.spec.terminationGracePeriodSeconds * 1000 > graceMs, metadata.name);
  }
});

test("each process has a Dockerfile whose entry point is its bin", () => {
  for (const file of readdirSync(`${root}k8s/docker`)) {
    const text = readFileSync(`${root}k8s/docker/${file}`, "utf8");
    const definition = configs[file.replace(".Dockerfile", "")];
    assert.ok(definition !== undefined, file);
    const command = definition.command.split(" ")[0] ?? "";
    const entry = /^ENTRYPOINT \["\/app\/(.+)"\]$/m.exec(text)?.[1] ?? "";
    assert.ok(entry.endsWith(`/${command}`), `${file}: ${entry} is not ${command}`);
    assert.ok(readFileSync(`${root}${entry}`, "utf8").startsWith("#!/bin/sh"));
  }
});
