/** Roles of images, held against the processes that they start. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { coordinatorConfig } from "@turntable/coordinator/config";
import { generatorConfig } from "@turntable/generation/config";
import { minerConfig } from "@turntable/miner/config";
import { type ConfigDefinition, configOptions } from "@turntable/process";
import { promptServiceConfig } from "@turntable/prompts/config";
import { workerConfig } from "@turntable/validation/config";
import { roles } from "./assemble.ts";

const configs: Readonly<Record<string, ConfigDefinition>> = {
  coordinator: coordinatorConfig,
  worker: workerConfig,
  generator: generatorConfig,
  miner: minerConfig,
  prompts: promptServiceConfig,
};

test("each process has an image, which starts it and asks it for its health where it listens", () => {
  assert.deepEqual(Object.keys(roles).toSorted(), Object.keys(configs).toSorted());
  for (const [name, { command, health, defaultArguments }] of Object.entries(roles)) {
    const definition = configs[name];
    assert.ok(definition !== undefined);
    assert.equal([command, ...defaultArguments].join(" "), definition.command);
    const port = configOptions(definition.schema).find(
      ({ variable }) => variable === "TURNTABLE_HTTP_PORT",
    );
    assert.equal(Number(port?.defaultText), health.port, name);
  }
  const bake = readFileSync(new URL("../k8s/docker/bake.hcl", import.meta.url), "utf8");
  const built = /role = \[(.*)\]/.exec(bake)?.[1]?.match(/\w+/g) ?? [];
  assert.deepEqual(built.toSorted(), Object.keys(roles).toSorted());
});
