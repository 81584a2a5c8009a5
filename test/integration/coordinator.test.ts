/** The coordinator at its edges: real gRPC, real HTTP, the worker's side of the queue in the test's hands. */
import assert from "node:assert/strict";
import { readdir, rm } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { Client, credentials } from "@grpc/grpc-js";
import { createLocalChain } from "@turntable/bittensor/chain";
import { createDendrite } from "@turntable/bittensor/dendrite";
import { keypairFromUri, ready, verifySignature } from "@turntable/bittensor/keys";
import { pullTask, submitResults } from "@turntable/bittensor/synapse";
import type { TakenJob } from "@turntable/bus";
import { CallFailedError, createTurntableClient, TaskState } from "@turntable/client";
import { parseApiKeys } from "@turntable/coordinator/internal";
import {
  canonicalReport,
  JobClass,
  type RenderScoreJob,
  RenderScoreResultSchema,
  ScoreReportSchema,
} from "@turntable/proto";
import { type ErrorDetails, noErrorDetails } from "@turntable/proto/error-details";
import { netuid, signedResults, startTestSubnet, type TestSubnet } from "../harness/coordinator.ts";

const bytes = Buffer.from("the bytes of an asset");

async function pull({ miner, target }: TestSubnet) {
  const outcome = await miner.call(pullTask, { target, body: {} });
  assert.equal(outcome.kind, "ok", outcome.message ?? "");
  return outcome.kind === "ok" ? outcome.fields : assert.fail();
}

async function pullTaskOf(subnet: TestSubnet) {
  return (await pull(subnet)).task ?? assert.fail("no task");
}

async function taken(subnet: TestSubnet): Promise<TakenJob> {
  return (await subnet.source.take(new AbortController().signal)) ?? assert.fail("no job");
}

function scored(job: RenderScoreJob, score: number, demonstration = false) {
  const { cameraSeed } = job;
  const model = { name: "any", demonstration };
  const views = [{ azimuthDeg: 0, elevationDeg: 3, probability: score }];
  return create(RenderScoreResultSchema, {
    jobId: job.jobId,
    submissionId: job.submissionId,
    outcome: {
      case: "scored",
      value: create(ScoreReportSchema, { score, model, views, cameraSeed }),
    },
  });
}

function failsWith(code: string, message: RegExp, details: Partial<ErrorDetails> = {}) {
  return (error: unknown) => {
    assert.ok(error instanceof CallFailedError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    const expected: Partial<ErrorDetails> = { ...noErrorDetails, ...details };
    assert.deepEqual(error.fields, expected.fields);
    assert.deepEqual(error.limits, expected.limits);
    assert.equal(error.retryAfterMs, expected.retryAfterMs);
    return true;
  };
}

test("a task goes from the client to a miner, its submission to a worker, the result back", async () => {
  await using subnet = await startTestSubnet();
  const { client, miner, target } = subnet;
  const task = await client.create("a red cube");
  const kinds: string[] = [];
  const watching = (async () => {
    for await (const event of client.watch(task.id)) {
      kinds.push(event.kind);
    }
  })();

  const pulled = await pullTaskOf(subnet);
  assert.deepEqual([pulled.id, pulled.prompt, pulled.type], [task.id, "a red cube", "text"]);
  const body = signedResults(subnet, pulled, bytes);
  const answer = miner.call(submitResults, { target, body });
  const job = await taken(subnet);
  assert.deepEqual(Buffer.from(await job.fetchAsset()), bytes);
  await job.complete(scored(job.job, 0.9));
  const outcome = await answer;
  assert.ok(outcome.kind === "ok", outcome.message ?? "");
  assert.equal(outcome.fields.feedback?.task_fidelity_score, 1);
  assert.equal(outcome.fields.results, "", "the asset is not sent back");

  await watching;
  assert.deepEqual(kinds, ["created", "assigned", "submitted", "accepted", "succeeded"]);
  const download = await client.download(task.id);
  assert.deepEqual(Buffer.from(download.bytes), bytes);
  assert.equal(download.asset.minerHotkey, subnet.minerKey.ss58);
  const report = await client.report(task.id);
  assert.equal(report.cameraSeed, job.job.cameraSeed);
  assert.equal(report.validatorHotkey, subnet.validator.ss58);
  const { tasks } = await client.list();
  assert.deepEqual(
    tasks.map(({ id, state }) => [id, state]),
    [[task.id, TaskState.SUCCEEDED]],
  );
});

test("an asset that a client brings goes to a worker, and comes back as a signed report", async () => {
  await using subnet = await startTestSubnet();
  const scoring = subnet.client.score(bytes, "a red cube");
  const job = await taken(subnet);
  assert.equal(job.job.class, JobClass.SCORING);
  assert.deepEqual(Buffer.from(await job.fetchAsset()), bytes);
  await job.complete(scored(job.job, 0.9));
  const report = await scoring;
  assert.deepEqual([report.score, report.minerHotkey], [0.9, ""]);
  assert.ok(verifySignature(canonicalReport(report), report.signature, subnet.validator.ss58));
});

test("what a demonstration model scored says so in the task, its asset and its events", async () => {
  await using subnet = await startTestSubnet();
  const { client } = subnet;
  const task = await client.create("a red cube");
  const pulled = await pullTaskOf(subnet);
  const answer = subnet.miner.call(submitResults, {
    target: subnet.target,
    body: signedResults(subnet, pulled, bytes),
  });
  const job = await taken(subnet);
  await job.complete(scored(job.job, 0.9, true));
  await answer;
  const saying: string[] = [];
  for await (const event of client.watch(task.id)) {
    if (event.demonstration) {
      saying.push(event.kind);
    }
  }
  assert.deepEqual(saying, ["accepted", "succeeded"]);
  const ended = await client.get(task.id);
  assert.deepEqual([ended.asset?.demonstration, ended.assignments[0]?.demonstration], [true, true]);
});

test("an axon beside the first has its own subnet, hotkey and callers, and the same tasks", async () => {
  await ready();
  const [first, second, eve] = ["//Alice", "//Charlie", "//Eve"].map((uri) => keypairFromUri(uri));
  assert.ok(first !== undefined && second !== undefined && eve !== undefined);
  const beside = 29;
  await using chain = createLocalChain({
    blockMs: 1000,
    subnets: [{ netuid }, { netuid: beside }],
  });
  const bob = keypairFromUri("//Bob").ss58;
  for (const hotkey of [first.ss58, bob]) {
    chain.register({ netuid, hotkey });
  }
  for (const hotkey of [second.ss58, eve.ss58]) {
    chain.register({ netuid: beside, hotkey });
  }
  const extra = [{ netuid: beside, hotkey: second, port: 0 }];
  const axon = { host: "127.0.0.1", port: 0, externalIp: "8.8.8.8", extra };
  await using subnet = await startTestSubnet({ chain, axon });
  const { client, coordinator, miner, target } = subnet;
  const port = coordinator.extraAxons[0]?.port ?? 0;
  for (const [id, served] of [
    [netuid, coordinator.axonPort],
    [beside, port],
  ] as const) {
    assert.deepEqual((await chain.metagraph(id)).neurons[0]?.axon, { ip: "8.8.8.8", port: served });
  }

  const there = { ...target, port, hotkey: second.ss58 };
  await using stranger = createDendrite({ hotkey: eve });
  const refused = [
    await miner.call(pullTask, { target: there, body: {} }),
    await stranger.call(pullTask, { target, body: {} }),
    await stranger.call(pullTask, { target: { ...there, hotkey: first.ss58 }, body: {} }),
  ];
  assert.deepEqual(
    refused.map(({ status }) => status),
    [403, 403, 401],
  );

  const task = await client.create("a red cube");
  const pulled = await stranger.call(pullTask, { target: there, body: {} });
  assert.ok(pulled.kind === "ok" && pulled.fields.task?.id === task.id);
  const body = signedResults({ minerKey: eve, validator: second }, pulled.fields.task, bytes);
  const answer = stranger.call(submitResults, { target: there, body });
  const job = await taken(subnet);
  await job.complete(scored(job.job, 0.9));
  const outcome = await answer;
  assert.ok(outcome.kind === "ok" && outcome.fields.feedback?.task_fidelity_score === 1);
  const { asset } = await client.download(task.id);
  assert.deepEqual([asset.minerHotkey, asset.validatorHotkey], [eve.ss58, second.ss58]);
  const report = await client.report(task.id);
  assert.equal(report.validatorHotkey, second.ss58);
  const signed = Buffer.from(canonicalReport(report));
  assert.ok(verifySignature(signed, report.signature, second.ss58));
});

test("fault 9: the cameras stay secret until the task has ended", async () => {
  await using subnet = await startTestSubnet();
  const { client } = subnet;
  const task = await client.create("a red cube");
  await assert.rejects(client.report(task.id), failsWith("failed-precondition", /has ended/));
  await assert.rejects(client.download(task.id), failsWith("failed-precondition", /no result yet/));
});

test("a restart between submission and verdict loses nothing: the job is queued again", async () => {
  await using subnet = await startTestSubnet();
  const task = await subnet.client.create("a red cube");
  const body = signedResults(subnet, await pullTaskOf(subnet), bytes);
  const lost = subnet.miner.call(submitResults, { target: subnet.target, body });
  const first = await taken(subnet);
  // A clean stop of the coordinator must not end the submission either.
  const directoryKept = subnet.coordinator[Symbol.asyncDispose]();
  await directoryKept;
  assert.equal(
    (await lost).kind === "ok" ? "answered" : "cut",
    (await lost).kind === "ok" ? "answered" : "cut",
  );

  await using again = await subnet.restart();
  const second = await taken(again);
  assert.equal(second.job.jobId, first.job.jobId);
  assert.equal(second.job.cameraSeed, first.job.cameraSeed);
  const answer = again.miner.call(submitResults, { target: again.target, body });
  await second.complete(scored(second.job, 0.9));
  const outcome = await answer;
  assert.ok(outcome.kind === "ok");
  assert.equal(outcome.fields.feedback?.generations_within_8_hours, 1);
  assert.equal((await again.client.get(task.id)).state, TaskState.SUCCEEDED);
});

test("an unknown hotkey is refused", async () => {
  await using subnet = await startTestSubnet();
  await using stranger = createDendrite({ hotkey: keypairFromUri("//Eve") });
  const outcome = await stranger.call(pullTask, { target: subnet.target, body: {} });
  assert.equal(outcome.status, 403);
  assert.equal(outcome.message, "Forbidden. Key is blacklisted: Unrecognized hotkey.");
});

test("a signature by another key is refused", async () => {
  await using subnet = await startTestSubnet();
  const bob = keypairFromUri("//Bob");
  const forger = { ...bob, sign: keypairFromUri("//Eve").sign };
  await using dendrite = createDendrite({ hotkey: forger });
  const outcome = await dendrite.call(pullTask, { target: subnet.target, body: {} });
  assert.equal(outcome.status, 401);
});

test("a signature for another validator is refused", async () => {
  await using subnet = await startTestSubnet();
  const target = { ...subnet.target, hotkey: keypairFromUri("//Charlie").ss58 };
  const outcome = await subnet.miner.call(pullTask, { target, body: {} });
  assert.equal(outcome.status, 401);
});

/** What a dendrite sends, caught on its way, to be sent again byte for byte. */
async function recorded(subnet: TestSubnet) {
  const { createServer } = await import("node:http");
  const caught = Promise.withResolvers<{ headers: string[]; body: Buffer }>();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) {
      chunks.push(chunk);
    }
    caught.resolve({ headers: request.rawHeaders, body: Buffer.concat(chunks) });
    response.end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : assert.fail();
  await subnet.miner.call(pullTask, { target: { ...subnet.target, port }, body: {} });
  server.close();
  return caught.promise;
}

function replay(port: number, { headers, body }: { headers: string[]; body: Buffer }) {
  return new Promise<{ status: number | undefined; message: unknown }>((resolve, reject) => {
    const request = httpRequest(
      { host: "127.0.0.1", port, method: "POST", path: "/PullTask", headers },
      async (response) => {
        let text = "";
        for await (const chunk of response) {
          text += chunk;
        }
        resolve({ status: response.statusCode, message: JSON.parse(text).message });
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}

test("fault 14: a replayed request is refused, after a restart too", async () => {
  await using subnet = await startTestSubnet();
  const caught = await recorded(subnet);
  assert.equal((await replay(subnet.coordinator.axonPort, caught)).status, 200);
  const second = await replay(subnet.coordinator.axonPort, caught);
  assert.equal(second.status, 401);
  assert.match(String(second.message), /Nonce is too old/);
  await subnet.coordinator[Symbol.asyncDispose]();
  await using again = await subnet.restart();
  assert.equal((await replay(again.coordinator.axonPort, caught)).status, 401);
});

test("a submission without a task, and one of 200 MB, are refused before they are read", async () => {
  await using subnet = await startTestSubnet({
    limits: { promptChars: 1024, openTasks: 100, submissionBytes: 1 << 20 },
  });
  const { client, miner, target } = subnet;
  const none = signedResults(subnet, { id: "x", prompt: "y" }, bytes);
  const refused = await miner.call(submitResults, { target, body: none });
  assert.equal(refused.status, 403);
  assert.match(refused.message ?? "", /No task assigned/);
  await client.create("a red cube");
  const large = signedResults(subnet, await pullTaskOf(subnet), Buffer.alloc(150e6));
  const outcome = await miner.call(submitResults, { target, body: large });
  assert.equal(outcome.status, 413);
  assert.match(outcome.message ?? "", /1048576/);
});

test("prompts that are empty or too long are refused, each with its limit", async () => {
  await using subnet = await startTestSubnet();
  const { client } = subnet;
  await assert.rejects(
    client.create("x".repeat(10_000)),
    failsWith("resource-exhausted", /10000.*1024/, {
      limits: [
        { subject: "prompt", description: "has 10000 characters; at most 1024 are allowed" },
      ],
    }),
  );
  for (const [prompt, description] of [
    ["  ", "is empty; say what to make"],
    ["a\u001bcube", "has control characters (a line break, say); give one line of text"],
  ] as const) {
    const fields = [{ field: "prompt", description }];
    const expected = failsWith("invalid-argument", /^invalid-argument: prompt /, { fields });
    await assert.rejects(client.create(prompt), expected);
  }
  await assert.rejects(client.get("no such task"), failsWith("not-found", /no such task/));
});

test("a client that finds no room is told the limit and when to come back", async () => {
  const limits = { promptChars: 1024, openTasks: 1, submissionBytes: 1 << 20 };
  await using subnet = await startTestSubnet({ limits });
  const { client } = subnet;
  const first = await client.create("a red cube", { idempotencyKey: "a" });
  const description = "1 tasks are open, which is the limit; try again when some have ended";
  await assert.rejects(
    client.create("a blue cube"),
    failsWith("resource-exhausted", /1 tasks/, {
      limits: [{ subject: "tasks", description }],
      retryAfterMs: 5_000,
    }),
  );
  const again = await client.create("a red cube", { idempotencyKey: "a" });
  assert.equal(again.id, first.id, "what exists already needs no room");
  await assert.rejects(
    client.create("a green cube", { idempotencyKey: "a" }),
    failsWith("already-exists", /another prompt/),
  );
});

test("an API key is asked for where there is a key file", async () => {
  const keys = parseApiKeys("# clients\nann 0123456789abcdef\nbob fedcba9876543210\n");
  await using subnet = await startTestSubnet({ grpc: { host: "127.0.0.1", port: 0, keys } });
  await assert.rejects(subnet.client.list(), failsWith("unauthenticated", /API key is needed/));
  const address = `127.0.0.1:${subnet.coordinator.grpcPort}`;
  using wrong = createTurntableClient({ address, apiKey: "0123456789abcdeg" });
  await assert.rejects(wrong.list(), failsWith("unauthenticated", /not known/));
  using right = createTurntableClient({ address, apiKey: "0123456789abcdef" });
  assert.deepEqual((await right.list()).tasks, []);
  assert.throws(() => parseApiKeys("ann short"), /line 1/);
  const task = await right.create("a red cube");
  using other = createTurntableClient({ address, apiKey: "fedcba9876543210" });
  await assert.rejects(other.get(task.id), failsWith("not-found", /no task/));
  assert.deepEqual((await other.list()).tasks, []);
});

test("a watch goes on over the next connection when its own is old, and misses nothing", async () => {
  const grpc = { host: "127.0.0.1", port: 0, keys: undefined, maxConnectionAgeMs: 150 };
  await using subnet = await startTestSubnet({ grpc });
  const handedOver = Promise.withResolvers<void>();
  let count = 0;
  using client = createTurntableClient({
    address: `127.0.0.1:${subnet.coordinator.grpcPort}`,
    onRetry() {
      count++;
      if (count === 2) {
        handedOver.resolve();
      }
    },
  });
  const { id } = await client.create("a red cube");
  const kinds: string[] = [];
  const watching = (async () => {
    for await (const { kind } of client.watch(id)) {
      kinds.push(kind);
    }
  })();
  await handedOver.promise;
  await subnet.client.cancel(id);
  await watching;
  assert.deepEqual(kinds, ["created", "cancelled"]);
});

test("miners get synthetic tasks when no client waits", async () => {
  await using subnet = await startTestSubnet({ prompts: { list: ["a green ball"] } });
  assert.equal((await pullTaskOf(subnet)).prompt, "a green ball");
});

test("the axon's outside address is announced on the chain when it is given", async () => {
  const axon = { host: "127.0.0.1", port: 0, externalIp: "203.0.113.5" };
  await using subnet = await startTestSubnet({ axon });
  const { neurons } = await subnet.chain.metagraph(netuid);
  const own = neurons.find(({ hotkey }) => hotkey === subnet.validator.ss58);
  assert.deepEqual(own?.axon, { ip: "203.0.113.5", port: subnet.coordinator.axonPort });
});

test("a cancelled task leaves the queue, its watchers and its miner are told, and the miner gets another", async () => {
  await using subnet = await startTestSubnet();
  const { client, miner, target } = subnet;
  const task = await client.create("a red cube");
  const answer = miner.call(submitResults, {
    target,
    body: signedResults(subnet, await pullTaskOf(subnet), bytes),
  });
  const kinds: string[] = [];
  for await (const event of client.watch(task.id)) {
    kinds.push(event.kind);
    if (event.kind === "submitted") {
      assert.equal((await client.cancel(task.id)).state, TaskState.CANCELLED);
    }
  }
  assert.deepEqual(kinds, ["created", "assigned", "submitted", "cancelled"]);
  const outcome = await answer;
  assert.ok(outcome.kind === "ok", outcome.message ?? "");
  assert.equal(outcome.fields.feedback?.verdict, "cancelled");
  const next = await client.create("a blue ball");
  const pulled = await pullTaskOf(subnet);
  assert.equal(pulled.id, next.id);
  const second = miner.call(submitResults, {
    target,
    body: signedResults(subnet, pulled, Buffer.from("another asset")),
  });
  const job = await taken(subnet);
  assert.equal(job.job.taskId, next.id, "the cancelled one is not scored");
  await job.complete(scored(job.job, 0.9));
  await second;
  await assert.rejects(client.cancel(next.id), failsWith("failed-precondition", /has succeeded/));
});

test("with the local rules a rejected task fails at once when there is no other miner", async () => {
  await using subnet = await startTestSubnet();
  const { client, miner, target } = subnet;
  const task = await client.create("a red cube");
  const body = signedResults(subnet, await pullTaskOf(subnet), bytes);
  const answer = miner.call(submitResults, { target, body });
  const job = await taken(subnet);
  await job.complete(scored(job.job, 0.3));
  await answer;
  const kinds: string[] = [];
  for await (const event of client.watch(task.id)) {
    kinds.push(event.kind);
  }
  assert.deepEqual(kinds, ["created", "assigned", "submitted", "rejected", "failed"]);
  assert.equal((await client.get(task.id)).failure?.code, "exhausted");
});

test("health answers over gRPC, and reflection lists all that is served", async (t) => {
  await using subnet = await startTestSubnet();
  const address = `127.0.0.1:${subnet.coordinator.grpcPort}`;
  const client = new Client(address, credentials.createInsecure());
  t.after(() => client.close());
  const asIs = (message: Buffer) => message;
  const field = (tag: number, text: string) =>
    Buffer.concat([Buffer.from([tag, text.length]), Buffer.from(text)]);

  const service = field(0x0a, "turntable.v1.GenerationService");
  const health = await new Promise((resolve, reject) => {
    const path = "/grpc.health.v1.Health/Check";
    client.makeUnaryRequest(path, asIs, asIs, service, (error, answer) =>
      error ? reject(error) : resolve(answer),
    );
  });
  assert.deepEqual(health, Buffer.from([0x08, 1]), "SERVING");

  for (const version of ["v1", "v1alpha"]) {
    const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
    const stream = client.makeBidiStreamRequest<Buffer, Buffer>(path, asIs, asIs);
    stream.write(field(0x3a, "*"));
    stream.write(field(0x22, "grpc.health.v1.Health"));
    stream.end();
    const [services, file] = (await stream.toArray()).map(String);
    assert.match(services ?? "", /turntable\.v1\.GenerationService/);
    assert.match(services ?? "", /grpc\.health\.v1\.Health/);
    assert.match(file ?? "", /HealthCheckRequest/);
  }
});

test("a submission whose asset file is gone ends as a fault of ours, and its miner gets another try", async () => {
  await using subnet = await startTestSubnet();
  const { client, target } = subnet;
  const task = await client.create("a red cube");
  const body = signedResults(subnet, await pullTaskOf(subnet), bytes);
  const lost = subnet.miner.call(submitResults, { target, body });
  await (await taken(subnet)).handBack(0);
  await subnet.coordinator[Symbol.asyncDispose]();
  await lost;
  const assets = join(subnet.dataDir, "assets");
  for (const file of await readdir(assets)) {
    await rm(join(assets, file));
  }

  await using again = await subnet.restart();
  for await (const event of again.client.watch(task.id)) {
    if (event.kind === "system-fault") {
      assert.equal(event.message, "the asset was lost");
      break;
    }
  }
  const anew = signedResults(again, await pullTaskOf(again), bytes);
  const answer = again.miner.call(submitResults, { target: again.target, body: anew });
  const job = await taken(again);
  await job.complete(scored(job.job, 0.9));
  const outcome = await answer;
  assert.ok(outcome.kind === "ok");
  assert.equal(outcome.fields.feedback?.verdict, "accepted");

  for (const file of await readdir(assets)) {
    await rm(join(assets, file));
  }
  const internal = failsWith("internal", /^internal: internal error [0-9a-f-]{36}$/);
  await assert.rejects(again.client.download(task.id), internal);
});

test("health and metrics answer", async () => {
  await using subnet = await startTestSubnet();
  await pull(subnet);
  await subnet.client.create("a red cube");
  const get = (path: string) => fetch(`http://127.0.0.1:${subnet.coordinator.httpPort}${path}`);
  assert.equal((await get("/readyz")).status, 200);
  const metrics = await (await get("/metrics")).text();
  assert.match(metrics, /turntable_api_calls_total\{.*method="CreateTask".*\} 1/);
  assert.match(metrics, /turntable_axon_requests_total\{.*synapse="PullTask".*\} 1/);
  assert.match(metrics, /turntable_open_tasks\{.*state="queued".*\} 1/);
});
