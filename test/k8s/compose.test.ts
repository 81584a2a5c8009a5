/** compose.yaml, held against what the processes really are. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { coordinatorConfig } from "@turntable/coordinator/config";
import { type ConfigDefinition, configOptions, loadConfig } from "@turntable/process";
import { workerConfig } from "@turntable/validation/config";
import { parse } from "yaml";
import { z } from "zod";

const root = new URL("../..", import.meta.url).pathname;
const configs: Readonly<Record<string, ConfigDefinition>> = {
  coordinator: coordinatorConfig,
  worker: workerConfig,
  "worker-gpu": workerConfig,
};

const service = z.object({
  image: z.string(),
  restart: z.enum(["unless-stopped", "no"]),
  read_only: z.literal(true),
  cap_drop: z.tuple([z.literal("ALL")]),
  user: z.string().optional(),
  environment: z.record(z.string(), z.string()).default({}),
  networks: z.array(z.string()).default([]),
  ports: z.array(z.string()).default([]),
});
const text = readFileSync(`${root}compose.yaml`, "utf8");
const compose = z
  .object({
    services: z.record(z.string(), service),
    configs: z.record(z.string(), z.object({ file: z.string() })),
    networks: z.record(z.string(), z.object({ internal: z.boolean().optional() })),
  })
  .parse(parse(text, { merge: true }));

/** `${NAME:-default}` and `${NAME}` as Compose sets them when nothing else does. */
function withDefaults(value: string): string {
  return value.replaceAll(
    /\$\{\w+(?::-([^}]*))?\}/g,
    (_, otherwise: string | undefined) => otherwise ?? "",
  );
}

test("every variable exists, and the configuration it makes is valid", () => {
  for (const [name, definition] of Object.entries(configs)) {
    const found = compose.services[name] ?? assert.fail(name);
    const known = new Set(configOptions(definition.schema).map(({ variable }) => variable));
    const variables = Object.keys(found.environment).filter((key) => key !== "SQLITE_TMPDIR");
    assert.deepEqual(
      variables.filter((key) => !known.has(key)),
      [],
      name,
    );
    const env = Object.fromEntries(
      Object.entries(found.environment).map(([key, value]) => [key, withDefaults(value)]),
    );
    loadConfig(definition, { argv: [], env, readFile: () => "" });
  }
});

test("images are those that are built, and nobody runs as root but who gives the volumes away", () => {
  const bake = readFileSync(`${root}k8s/docker/bake.hcl`, "utf8");
  for (const [name, { image, user }] of Object.entries(compose.services)) {
    assert.equal(user, name === "folders" ? undefined : "1000:1000", name);
    const ours = /^\$\{REGISTRY:-turntable\}\/([a-z-]+):/.exec(image)?.[1];
    if (ours !== undefined) {
      assert.ok(bake.includes(`"${ours}"`), ours);
    } else {
      // The server that the cluster has, too.
      assert.ok(readFileSync(`${root}k8s/base/nats.yaml`, "utf8").includes(`image: ${image}\n`));
    }
  }
});

test("only the axon is open to other machines, and only the coordinator reaches them", () => {
  const open = Object.values(compose.services)
    .flatMap(({ ports }) => ports)
    .filter((port) => !port.startsWith("127.0.0.1:"));
  assert.deepEqual(open.map(withDefaults), ["8091:8091"]);
  const outside = Object.keys(compose.services).filter((name) =>
    compose.services[name]?.networks.some(
      (network) => compose.networks[network]?.internal !== true,
    ),
  );
  assert.deepEqual(outside, ["coordinator"]);
});
