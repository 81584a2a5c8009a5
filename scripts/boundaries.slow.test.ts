/** What may import what, as the biome.json files say it: each line of this table is a file with one import. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { z } from "zod";
import { readWorkspaces, root } from "./workspaces.ts";

const refused: readonly (readonly [file: string, specifier: string])[] = [
  ["process/src/main.ts", "pino"],
  ["coordinator/src/dispatch/dispatch.ts", "@opentelemetry/sdk-trace"],
  ["process/src/config.ts", "@turntable/proto"],
  ["proto/index.ts", "@grpc/grpc-js"],
  ["proto/index.ts", "@nats-io/nats-core"],
  ["bus/src/in-process/queue.ts", "@nats-io/jetstream"],
  ["bus/src/contract.ts", "./nats/index.ts"],
  ["bus/src/nats/link.ts", "../in-process/index.ts"],
  ["bus/src/nats/link.ts", "../../../coordinator/src/tasks/index.ts"],
  ["bittensor/src/keys/wallet.ts", "@polkadot/api"],
  ["bittensor/src/keys/wallet.ts", "../chain/index.ts"],
  ["bittensor/src/axon/axon.ts", "../chain/index.ts"],
  ["bittensor/src/axon/axon.ts", "@polkadot/util"],
  ["bittensor/src/chain/ledger.ts", "@polkadot/api"],
  ["bittensor/src/chain/ledger.ts", "../axon/index.ts"],
  ["bittensor/src/dendrite/dendrite.ts", "@turntable/proto"],
  ["client-sdk/src/client.ts", "@grpc/grpc-js"],
  ["client-sdk/src/client.ts", "@turntable/bus/nats"],
  ["client-sdk/src/turntable-client.ts", "commander"],
  ["client-sdk/src/web.ts", "@turntable/bittensor/keys"],
  ["client-sdk/src/client.ts", "@turntable/bittensor/chain"],
  ["client-sdk/src/client.slow.test.ts", "@turntable/bus"],
  ["local-subnet/subnet.ts", "@turntable/validation/internal"],
  ["local-subnet/subnet.ts", "@grpc/grpc-js"],
  ["coordinator/src/axon/miner-axon.ts", "../api/index.ts"],
  ["coordinator/src/axon/miner-axon.ts", "@grpc/grpc-js"],
  ["coordinator/src/api/server.ts", "../axon/index.ts"],
  ["coordinator/src/api/generation/create-task.ts", "@grpc/grpc-js"],
  ["coordinator/src/api/generation/create-task.ts", "@turntable/proto/grpc"],
  ["process/src/work-queue.ts", "hono"],
  ["coordinator/src/api/server.ts", "@turntable/bittensor/axon"],
  ["coordinator/src/tasks/tasks.ts", "node:http"],
  ["coordinator/src/tasks/tasks.ts", "@turntable/bus"],
  ["coordinator/src/tasks/tasks.ts", "../submissions/index.ts"],
  ["coordinator/src/tasks/tasks.ts", "../store/store.ts"],
  ["coordinator/src/miners/miners.ts", "@turntable/bittensor/axon"],
  ["coordinator/src/dispatch/dispatch.ts", "../tasks/index.ts"],
  ["coordinator/src/dispatch/dispatch.ts", "@turntable/bus/nats"],
  ["coordinator/src/chain/registrations.ts", "../tasks/index.ts"],
  ["coordinator/src/reports/reports.ts", "node:sqlite"],
  ["coordinator/src/submissions/submissions.ts", "../coordinator.ts"],
  ["coordinator/src/config.ts", "node:sqlite"],
  ["coordinator/src/config.ts", "@turntable/validation"],
  ["coordinator/web/src/app.tsx", "vite"],
  ["coordinator/web/src/app.tsx", "node:fs"],
  ["coordinator/web/src/app.tsx", "@turntable/proto/grpc"],
  ["coordinator/web/src/app.tsx", "three"],
  ["coordinator/web/src/viewer/spark.ts", "@connectrpc/connect"],
  ["workers/splat/src/ply.ts", "h5wasm"],
  ["workers/splat/src/ply.ts", "@turntable/proto"],
  ["workers/generation/src/grammar/parse.ts", "../procedural/generate.ts"],
  ["workers/generation/src/procedural/cells.ts", "../endpoint/index.ts"],
  ["workers/generation/src/engines/http.ts", "@turntable/validation"],
  ["workers/miner/src/miner.ts", "@turntable/proto"],
  ["workers/miner/src/miner.ts", "@turntable/bittensor/axon"],
  ["workers/miner/src/miner.ts", "node:sqlite"],
  ["workers/miner/src/store/outbox.ts", "@turntable/bittensor/chain"],
  ["workers/prompts/src/filters/filters.ts", "../judge.ts"],
  ["workers/prompts/src/service/server.ts", "node:sqlite"],
  ["workers/training/src/judge.ts", "../../validation/src/score/preprocess.ts"],
  ["workers/training/src/judge.ts", "@turntable/coordinator"],
  ["workers/validation/src/gpu/child.ts", "../render/index.ts"],
  ["workers/validation/src/render/cpu/pool.ts", "three"],
  ["workers/validation/src/render/cpu/pool.ts", "webgpu"],
  ["workers/validation/src/render/scene.ts", "../score/index.ts"],
  ["workers/validation/src/render/gl/painter.ts", "webgpu"],
  ["workers/validation/src/score/clip.ts", "onnxruntime-node"],
  ["workers/validation/src/score/clip.ts", "../scoring/index.ts"],
  ["workers/validation/src/scoring/report.ts", "../worker/index.ts"],
  ["workers/validation/src/worker/loop.ts", "../endpoint/index.ts"],
  ["workers/validation/src/worker/loop.ts", "@turntable/bus/nats"],
  ["workers/validation/src/endpoint/endpoint.ts", "../worker/index.ts"],
  ["workers/validation/src/cli/run.ts", "sharp"],
  ["workers/validation/src/cli/run.ts", "@turntable/coordinator"],
  ["test/e2e/subnet.ts", "../../bus/src/contract.ts"],
];

const accepted: readonly (readonly [file: string, specifier: string])[] = [
  ["bus/src/nats/link.ts", "@nats-io/jetstream"],
  ["bittensor/src/chain/subtensor/reads.ts", "@polkadot/api"],
  ["bittensor/src/axon/axon.ts", "../keys/index.ts"],
  ["bittensor/test/vectors.ts", "../src/keys/index.ts"],
  ["client-sdk/src/grpc-transport.ts", "@grpc/grpc-js"],
  ["coordinator/src/api/server.ts", "@grpc/grpc-js"],
  ["coordinator/src/axon/miner-axon.ts", "../tasks/index.ts"],
  ["coordinator/src/tasks/tasks.test.ts", "@turntable/bus"],
  ["coordinator/src/store/store.ts", "node:sqlite"],
  ["coordinator/src/dispatch/dispatch.ts", "@turntable/bus"],
  ["coordinator/web/src/app.tsx", "preact/hooks"],
  ["coordinator/web/src/viewer/spark.ts", "three"],
  ["workers/splat/src/hdf5-file.ts", "h5wasm"],
  ["workers/validation/src/gpu/library.ts", "webgpu"],
  ["workers/validation/src/render/gl/painter.ts", "three"],
  ["workers/validation/src/score/inference/graph.ts", "onnxruntime-node"],
  ["workers/validation/src/pictures/png.ts", "sharp"],
  ["test/e2e/subnet.ts", "@turntable/validation/internal"],
];

const reportSchema = z.object({
  diagnostics: z.array(
    z.object({
      category: z.string(),
      location: z.object({ path: z.string(), start: z.object({ line: z.number() }) }),
    }),
  ),
});

test("biome refuses imports over a boundary, and no others", async () => {
  const directory = await mkdtemp(join(tmpdir(), "turntable-boundaries-"));
  try {
    const files = new Map<string, string[]>();
    const add = (file: string, line: string): string => {
      const lines = files.get(file) ?? [];
      files.set(file, lines);
      lines.push(line);
      return `${file}:${lines.length}`;
    };
    const expected = refused.map(([file, specifier]) => add(file, `import "${specifier}";`));
    for (const [file, specifier] of accepted) {
      add(file, `import "${specifier}";`);
    }
    // Every way to import counts.
    for (const line of [
      'import type { Pool } from "@nats-io/nats-core";',
      'export { connect } from "@nats-io/nats-core";',
      'await import("@nats-io/nats-core");',
    ]) {
      expected.push(add("coordinator/src/events.ts", line));
    }

    await copyConfiguration(directory);
    for (const [file, lines] of files) {
      await mkdir(dirname(join(directory, file)), { recursive: true });
      await writeFile(join(directory, file), `${lines.join("\n")}\n`);
    }
    assert.deepEqual(await refusedIn(directory), expected.toSorted());
  } finally {
    await rm(directory, { recursive: true });
  }
});

async function copyConfiguration(directory: string): Promise<void> {
  for (const folder of [".", ...readWorkspaces().map(({ folder }) => folder)]) {
    await mkdir(join(directory, folder), { recursive: true });
    await cp(join(root, folder, "biome.json"), join(directory, folder, "biome.json"));
  }
}

/** `file:line` of each import that is refused, sorted. */
async function refusedIn(directory: string): Promise<readonly string[]> {
  const biome = join(root, "node_modules/.bin/biome");
  const rule = "lint/style/noRestrictedImports";
  const options = [
    ...["lint", `--only=${rule.replace("lint/", "")}`, "--reporter=json"],
    ...["--max-diagnostics=none", "--vcs-enabled=false"],
  ];
  const stdout = await new Promise<string>((resolve) => {
    // It exits with 1 when it refuses something.
    execFile(biome, options, { cwd: directory }, (_error, text) => resolve(text));
  });
  return reportSchema
    .parse(JSON.parse(stdout))
    .diagnostics.filter(({ category }) => category === rule)
    .map(({ location }) => `${location.path}:${location.start.line}`)
    .toSorted();
}
