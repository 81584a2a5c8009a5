/** AdminService as an operator calls it: a coordinator with a miner, a client and a worker behind it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { Client, credentials, Metadata, status } from "@grpc/grpc-js";
import { createDendrite } from "@turntable/bittensor/dendrite";
import { keypairFromUri, ready } from "@turntable/bittensor/keys";
import { generate, pullTask, submitResults } from "@turntable/bittensor/synapse";
import { createTurntableClient } from "@turntable/client";
import { openApiKeys, parseApiKeys } from "@turntable/coordinator/internal";
import {
  AdminService,
  ApiKeyScope,
  Intake,
  RenderScoreResultSchema,
  ScoreReportSchema,
  ScoringService,
  ScoringState,
  TaskState,
  WeightsDue,
  WorkerState,
} from "@turntable/proto";
import { type ClientCallOptions, createServiceClient } from "@turntable/proto/grpc";
import { signedResults, startTestSubnet, type TestSubnet } from "../harness/coordinator.ts";

await ready();
const loopback = { host: "127.0.0.1", port: 0 };

async function open(change: Parameters<typeof startTestSubnet>[0] = {}) {
  await using stack = new AsyncDisposableStack();
  const keyFile = parseApiKeys("ann 0123456789abcdef");
  const subnet = stack.use(
    await startTestSubnet({
      ...{ admin: loopback, grpc: { ...loopback, keys: keyFile } },
      ...change,
    }),
  );
  const keys = stack.use(openApiKeys(subnet.dataDir));
  const { secret } = keys.create({ name: "operator", scopes: ["admin"] }, 0) ?? assert.fail();
  const channel = new Client(
    `127.0.0.1:${subnet.coordinator.adminPort}`,
    credentials.createInsecure(),
  );
  stack.defer(() => channel.close());
  const admin = createServiceClient(AdminService, channel);
  const as = (key: string | undefined) => {
    const metadata = new Metadata();
    if (key !== undefined) {
      metadata.set("authorization", `Bearer ${key}`);
    }
    return { metadata };
  };
  const address = `127.0.0.1:${subnet.coordinator.grpcPort}`;
  const client = stack.use(createTurntableClient({ address, apiKey: "0123456789abcdef" }));
  const running = stack.move();
  return {
    ...{ subnet, admin, as, operator: as(secret), client },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

const coded = (code: number) => (error: unknown) => {
  assert.ok(error instanceof Error && "code" in error, String(error));
  assert.equal(error.code, code, error.message);
  return true;
};

/** A call of each method that asks for nothing wrong. */
const requests: Readonly<Record<string, object>> = {
  setIntake: { intake: Intake.OPEN },
  getMiner: { hotkey: "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty" },
  listMinerVerdicts: { hotkey: "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty" },
  createApiKey: { name: "bob", scopes: [ApiKeyScope.GENERATE] },
};
/** What each refuses, and how. */
const wrong: Readonly<Record<string, readonly [request: object, code: number]>> = {
  setIntake: [{}, status.INVALID_ARGUMENT],
  getMiner: [{ hotkey: "x" }, status.INVALID_ARGUMENT],
  listMinerVerdicts: [{ hotkey: "x" }, status.INVALID_ARGUMENT],
  listWorkers: [{ pageToken: "x" }, status.INVALID_ARGUMENT],
  drainWorker: [{ workerId: "x" }, status.NOT_FOUND],
  releaseWorker: [{ workerId: "x" }, status.NOT_FOUND],
  resumeWorker: [{}, status.INVALID_ARGUMENT],
  listAllTasks: [{ pageToken: "x" }, status.INVALID_ARGUMENT],
  inspectTask: [{ taskId: "x" }, status.NOT_FOUND],
  listDeadLetters: [{ pageToken: "x" }, status.INVALID_ARGUMENT],
  replayDeadLetter: [{ jobId: "x" }, status.NOT_FOUND],
  planWeights: [{ netuid: 99 }, status.NOT_FOUND],
  listWeightAttempts: [{ netuid: 99 }, status.NOT_FOUND],
  listPrompts: [{ pageToken: "x" }, status.INVALID_ARGUMENT],
  createApiKey: [{ name: "bob" }, status.INVALID_ARGUMENT],
  listApiKeys: [{ pageToken: "x" }, status.INVALID_ARGUMENT],
  revokeApiKey: [{ keyId: "x" }, status.NOT_FOUND],
};

test("every method wants a key with the scope admin, and says what is wrong with a request", async () => {
  await using opened = await open();
  const { admin, as, operator } = opened;
  const limited = await admin.createApiKey(
    { name: "once", scopes: [ApiKeyScope.ADMIN], callsPerMinute: 1 },
    operator,
  );
  await admin.getStatus({}, as(limited.secret));
  for (const [name, method] of Object.entries(admin)) {
    const call: (request: object, options: ClientCallOptions) => Promise<unknown> = method;
    const request = requests[name] ?? {};
    await assert.rejects(call(request, as(undefined)), coded(status.UNAUTHENTICATED), name);
    await assert.rejects(
      call(request, as("0123456789abcdef")),
      coded(status.PERMISSION_DENIED),
      name,
    );
    await assert.rejects(call(request, as(limited.secret)), coded(status.RESOURCE_EXHAUSTED), name);
    await assert.rejects(call(request, { ...operator, signal: AbortSignal.abort() }), name);
    const [bad, code] = wrong[name] ?? [];
    if (bad !== undefined && code !== undefined) {
      await assert.rejects(call(bad, operator), coded(code), name);
    }
  }
});

test("the operator sees miners, workers, tasks of everybody, weights and prompts", async () => {
  await using opened = await open();
  const { subnet, admin, operator, client } = opened;
  const { id } = await client.create("a red cube");
  const pulled = await subnet.miner.call(pullTask, { target: subnet.target, body: {} });
  const lent = pulled.kind === "ok" ? (pulled.fields.task ?? assert.fail()) : assert.fail();
  const body = signedResults(subnet, lent, Buffer.from("an asset"));
  const answer = subnet.miner.call(submitResults, { target: subnet.target, body });
  const taken = await subnet.source.take(new AbortController().signal);
  const { job } = taken ?? assert.fail();
  const report = {
    ...{ score: 0.9, model: { name: "clip" }, renderer: { backend: "cpu", version: "1" } },
    timings: { totalMs: 100, renderMs: 60, scoreMs: 30 },
  };
  const value = create(ScoreReportSchema, report);
  await taken?.complete(
    create(RenderScoreResultSchema, {
      ...{ jobId: job.jobId, submissionId: job.submissionId, workerId: "w-1" },
      outcome: { case: "scored", value },
    }),
  );
  await answer;

  const hotkey = subnet.minerKey.ss58;
  const { miners } = await admin.listMiners({}, operator);
  assert.deepEqual(
    miners.map((miner) => [miner.hotkey, miner.observations, miner.registered]),
    [[hotkey, 1, true]],
  );
  const { verdicts } = await admin.listMinerVerdicts({ hotkey }, operator);
  assert.deepEqual(
    verdicts.map(({ verdict, score, assignmentId }) => [verdict, score, assignmentId]),
    [["accepted", 0.9, job.jobId]],
  );
  const { workers } = await admin.listWorkers({}, operator);
  assert.deepEqual(
    workers.map(({ id, scored, meanRenderMs, model, state }) => [
      id,
      scored,
      meanRenderMs,
      model,
      state,
    ]),
    [
      ["w-1", 1n, 60, "clip", WorkerState.AWAY],
      ["in process", 0n, 0, "", WorkerState.READY],
    ],
  );
  const { task, changes } = await admin.inspectTask({ taskId: id }, operator);
  assert.deepEqual(
    [task?.client, task?.synthetic, task?.task?.state],
    ["ann", false, TaskState.SUCCEEDED],
  );
  assert.deepEqual(
    changes.map(({ kind }) => kind),
    ["created", "assigned", "submitted", "accepted", "succeeded"],
  );
  const plan = await admin.planWeights({}, operator);
  assert.deepEqual([plan.hotkey, plan.due], [subnet.validator.ss58, WeightsDue.BARRED]);
  assert.match(plan.barredReason, /permit/);
  assert.equal(plan.weights.find((row) => row.hotkey === hotkey)?.observations, 1);
  assert.deepEqual((await admin.listWeightAttempts({}, operator)).attempts, []);
  assert.equal((await admin.listPrompts({}, operator)).totalSize, 0);
});

test("tasks of everybody come in pages, newest first; those of one client, or open ones alone", async () => {
  await using opened = await open();
  const { admin, operator, client } = opened;
  const ids: string[] = [];
  for (const prompt of ["a", "b", "c"]) {
    ids.unshift((await client.create(prompt)).id);
  }
  await client.cancel(ids[0] ?? "");
  const listed = async (of: object): Promise<readonly (string | undefined)[]> => {
    const found: (string | undefined)[] = [];
    let pageToken = "";
    do {
      const page = await admin.listAllTasks({ ...of, pageSize: 2, pageToken }, operator);
      found.push(...page.tasks.map(({ task }) => task?.id));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    return found;
  };
  assert.deepEqual((await listed({})).toSorted(), ids.toSorted());
  assert.deepEqual((await listed({ client: "ann" })).length, 3);
  assert.deepEqual(await listed({ client: "bob" }), []);
  assert.deepEqual((await listed({ onlyOpen: true })).toSorted(), ids.slice(1).toSorted());
});

test("a paused coordinator lends nothing, a draining one takes nothing, and both resume", async () => {
  const walletKey = keypairFromUri("//Client");
  await using opened = await open({ axon: { ...loopback, clients: [walletKey.ss58] } });
  const { subnet, admin, operator, client } = opened;
  await using wallet = createDendrite({ hotkey: walletKey });
  const generateOverAxon = () =>
    wallet.call(generate, { target: subnet.target, body: { prompt: "a green cube" } });
  const pull = async () => {
    const outcome = await subnet.miner.call(pullTask, { target: subnet.target, body: {} });
    return outcome.kind === "ok" ? outcome.fields.task : assert.fail();
  };
  await admin.setIntake({ intake: Intake.PAUSED, reason: "a new disk" }, operator);
  await client.create("a red cube");
  assert.equal((await pull()) ?? undefined, undefined);
  assert.equal((await admin.getStatus({}, operator)).intakeReason, "a new disk");
  await admin.setIntake({ intake: Intake.DRAINING }, operator);
  await assert.rejects(client.create("a blue cube", { signal: AbortSignal.timeout(2_000) }));
  await assert.rejects(
    client.score(Buffer.from("an asset"), "a cube", { signal: AbortSignal.timeout(2_000) }),
  );
  const refused = await generateOverAxon();
  assert.equal(refused.kind, "failure");
  assert.match(refused.message ?? "", /Nothing can be taken now, the coordinator is draining/);
  const drained = await admin.getStatus({}, operator);
  assert.deepEqual([drained.intake, drained.drained], [Intake.DRAINING, true]);
  await admin.setIntake({ intake: Intake.OPEN }, operator);
  assert.equal((await pull())?.prompt, "a red cube");
  assert.equal((await generateOverAxon()).kind, "ok");
});

test("keys are made, used, listed and ended without a restart", async () => {
  await using opened = await open();
  const { subnet, admin, operator } = opened;
  const made = await admin.createApiKey(
    { name: "bob", scopes: [ApiKeyScope.GENERATE], requestId: "r" },
    operator,
  );
  await assert.rejects(
    admin.createApiKey({ name: "bob", scopes: [ApiKeyScope.GENERATE], requestId: "r" }, operator),
    coded(status.ALREADY_EXISTS),
  );
  const address = `127.0.0.1:${subnet.coordinator.grpcPort}`;
  using bob = createTurntableClient({ address, apiKey: made.secret });
  assert.deepEqual((await bob.list()).tasks, []);
  const { keys } = await admin.listApiKeys({}, operator);
  assert.deepEqual(
    keys.map(({ name, fromFile, scopes }) => [name, fromFile, scopes]),
    [
      ["ann", true, [ApiKeyScope.GENERATE, ApiKeyScope.SCORE]],
      ["bob", false, [ApiKeyScope.GENERATE]],
      ["operator", false, [ApiKeyScope.ADMIN]],
    ],
  );
  assert.ok(!JSON.stringify(keys, (_, value) => String(value)).includes(made.secret));
  await admin.revokeApiKey({ keyId: made.key?.id ?? "" }, operator);
  await assert.rejects(bob.list(), /not known here/);
});

test("a job that was given up is listed, and can be done again: a scoring that failed has its report then", async (t) => {
  await using opened = await open();
  const { subnet, admin, as, operator, client } = opened;
  const score = client.score(Buffer.from("an asset"), "a red cube");
  const failed = assert.rejects(score);
  const taken = await subnet.source.take(new AbortController().signal);
  await taken?.terminate("the GPU is gone");
  await failed;
  const { deadLetters } = await admin.listDeadLetters({}, operator);
  assert.deepEqual(
    deadLetters.map((letter) => [letter.jobClass, letter.prompt, letter.reason]),
    [["scoring", "a red cube", "the GPU is gone"]],
  );
  const [letter] = deadLetters;
  await admin.replayDeadLetter({ jobId: letter?.jobId ?? "" }, operator);
  const again = await subnet.source.take(new AbortController().signal);
  assert.equal(again?.job.jobId, letter?.jobId);
  assert.deepEqual((await admin.listDeadLetters({}, operator)).deadLetters, []);
  const { jobId, submissionId } = again?.job ?? assert.fail();
  const value = create(ScoreReportSchema, { score: 0.75 });
  await again?.complete(
    create(RenderScoreResultSchema, { jobId, submissionId, outcome: { case: "scored", value } }),
  );
  const api = new Client(`127.0.0.1:${subnet.coordinator.grpcPort}`, credentials.createInsecure());
  t.after(() => api.close());
  const scorings = createServiceClient(ScoringService, api);
  const find = () => scorings.getScoring({ scoringId: jobId }, as("0123456789abcdef"));
  // The result comes over the queue.
  let revived = (await find()).scoring;
  while (revived?.state !== ScoringState.SCORED) {
    await new Promise(setImmediate);
    revived = (await find()).scoring;
  }
  assert.deepEqual([revived.report?.score, revived.failure], [0.75, undefined]);
});

test("over HTTP it is off by default; where it is on, nobody is anonymous and no other page may ask", async () => {
  const ask = (subnet: TestSubnet, path: string, init: RequestInit = {}) =>
    fetch(`http://127.0.0.1:${subnet.coordinator.httpPort}${path}`, init);
  const getStatus = "/turntable.v1.AdminService/GetStatus";
  const post = (headers: Record<string, string> = {}): RequestInit => ({
    ...{ method: "POST", body: "{}" },
    headers: { "content-type": "application/json", ...headers },
  });
  const open = { admin: { ...loopback, anonymous: true } };
  await using off = await startTestSubnet(open);
  assert.equal((await ask(off, getStatus, post())).status, 404);
  assert.doesNotMatch(
    await (await ask(off, "/openapi.json")).text(),
    /"\/turntable.v1.AdminService/,
  );

  const grpc = { ...loopback, keys: undefined, corsOrigins: ["*"] };
  await using on = await startTestSubnet({ ...open, grpc, adminWeb: true });
  using keys = openApiKeys(on.dataDir);
  const keyWith = (scope: "admin" | "read-all") => {
    const { secret } = keys.create({ name: "me", scopes: [scope] }, 0) ?? assert.fail();
    return { authorization: `Bearer ${secret}` };
  };
  assert.equal((await ask(on, getStatus, post())).status, 401);
  assert.equal((await ask(on, getStatus, post(keyWith("read-all")))).status, 403);
  const answer = await ask(on, getStatus, post(keyWith("admin")));
  assert.equal(answer.status, 200);
  assert.match(await answer.text(), /"rules":"local"/);

  const origin = "https://example.com";
  for (const path of [getStatus, "/turntable.v1.GenerationService/CreateTask"]) {
    const preflight = await ask(on, path, { method: "OPTIONS", headers: { origin } });
    const allowed = preflight.headers.get("access-control-allow-origin");
    assert.equal(allowed, path === getStatus ? null : origin);
  }
  const document = await (await ask(on, "/openapi.json")).text();
  for (const { name } of AdminService.methods) {
    assert.match(document, new RegExp(`"/turntable.v1.AdminService/${name}":{"post":{`));
  }
});
