/**
 * Every RPC of every service that asks for a key over every transport: success, bad input, wrong credentials, exceeded
 * limits, cancellation by the caller and by its deadline. The descriptors say which there are: one without a row fails
 * here. SubnetService asks for none: subnet/transports.test.ts has its RPCs.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { create, type DescService } from "@bufbuild/protobuf";
import { startHttpServer } from "@turntable/process";
import {
  AdminService,
  ApiKeyScope,
  GenerationService,
  Intake,
  ScoringService,
} from "@turntable/proto";
import { RpcError, statusCodes } from "@turntable/proto/rpc";
import { deadJob, driftingWorker, idleWorker, openAdmin } from "../../test/admin.ts";
import { openApi } from "../../test/api.ts";
import { type Caller, type CallOptions, openTransports, Refusal } from "../../test/transports.ts";
import type { Scope } from "../keys/index.ts";
import type { AccessInterceptor } from "./access.ts";
import { attachWeb, maxWebBodyBytes, startAdmin } from "./index.ts";

const { FAILED_PRECONDITION, INVALID_ARGUMENT, NOT_FOUND, UNAUTHENTICATED, PERMISSION_DENIED } =
  statusCodes;
const { CANCELLED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED } = statusCodes;

/** Whose everything is, with keys of hers beside this one. */
const owner = "ann";
const keyFile = `${owner} 0123456789abcdef`;
const miner = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty";

/** What requests are about. */
interface Subject {
  /** A task that has succeeded, and a new one. */
  readonly taskId: string;
  readonly newTask: string;
  /** A scoring that was scored, and a new one, of three bytes. */
  readonly scoringId: string;
  readonly newScoring: string;
  /** A key that nobody uses. */
  readonly keyId: string;
}

type Fields = Readonly<Record<string, unknown>>;

interface Row {
  readonly request: (subject: Subject) => Fields;
  /** What is in the answers, as JSON. */
  readonly answers: RegExp;
  /** A request that is refused; undefined where every request is good. */
  readonly bad: readonly [request: Fields, code: number] | undefined;
}

const unknownTask = [{ taskId: "x" }, NOT_FOUND] as const;
const ofTask = { request: ({ taskId }: Subject) => ({ taskId }), bad: unknownTask };
const ofScoring = {
  request: ({ scoringId }: Subject) => ({ scoringId }),
  bad: [{ scoringId: "x" }, NOT_FOUND],
} as const;
const announced = { prompt: "a cup", sizeBytes: 3n, sha256: new Uint8Array(32) };
const shortHash = { ...announced, sha256: new Uint8Array(31) };
const page = {
  request: () => ({ pageSize: 1 }),
  bad: [{ pageToken: "x" }, INVALID_ARGUMENT],
} as const;
const ofMiner = {
  request: () => ({ hotkey: miner }),
  bad: [{ hotkey: "x" }, INVALID_ARGUMENT],
} as const;
const ofSubnet = { request: () => ({ netuid: 17 }), bad: [{ netuid: 99 }, NOT_FOUND] } as const;

/** By service and method. */
const rows: Readonly<Record<string, Readonly<Record<string, Row>>>> = {
  [GenerationService.typeName]: {
    createTask: {
      request: () => ({ prompt: "a cup" }),
      answers: /"prompt":"a cup"/,
      bad: [{ prompt: " " }, INVALID_ARGUMENT],
    },
    getTask: { ...ofTask, answers: /"state":4/ },
    listTasks: { ...page, answers: /"prompt":"a cup"/ },
    watchTask: { ...ofTask, answers: /"created".*"succeeded"/ },
    cancelTask: {
      request: ({ newTask: taskId }) => ({ taskId }),
      answers: /"state":6/,
      bad: unknownTask,
    },
    downloadAsset: { ...ofTask, answers: /"case":"asset".*"case":"chunk"/ },
    getReport: { ...ofTask, answers: /"score":0.9/ },
  },
  [ScoringService.typeName]: {
    createScoring: {
      request: () => ({ ...announced, requestId: "r" }),
      answers: /"sizeBytes":"3".*"receivedBytes":"0"/,
      bad: [shortHash, INVALID_ARGUMENT],
    },
    uploadAsset: {
      request: ({ newScoring: scoringId }) => ({ scoringId, offset: 0n, chunk: new Uint8Array(2) }),
      answers: /"receivedBytes":"2","complete":false/,
      bad: [{ scoringId: "x" }, NOT_FOUND],
    },
    getScoring: { ...ofScoring, answers: /"state":3.*"score":0.9/ },
    watchScoring: { ...ofScoring, answers: /"state":3.*"score":0.9/ },
    cancelScoring: {
      request: ({ newScoring: scoringId }) => ({ scoringId }),
      answers: /"code":"cancelled"/,
      bad: [{ scoringId: "x" }, NOT_FOUND],
    },
  },
  [AdminService.typeName]: {
    getStatus: { request: () => ({}), answers: /"rules":"seed".*"role":1/, bad: undefined },
    setIntake: {
      request: () => ({ intake: Intake.OPEN }),
      answers: /"intake":1/,
      bad: [{}, INVALID_ARGUMENT],
    },
    listMiners: { request: () => ({ pageSize: 1 }), answers: /"hotkey":"A"/, bad: undefined },
    getMiner: { ...ofMiner, answers: /"registered":true/ },
    listMinerVerdicts: { ...ofMiner, answers: /"verdicts":\[\]/ },
    listWorkers: {
      ...page,
      request: () => ({}),
      answers: /"id":"w-1".*"state":1.*"id":"w-2".*"state":6.*it drifts/,
    },
    drainWorker: {
      request: () => ({ workerId: idleWorker }),
      answers: /"state":4/,
      bad: [{ workerId: "x" }, NOT_FOUND],
    },
    resumeWorker: {
      request: () => ({ workerId: idleWorker }),
      answers: /"state":1/,
      bad: [{ workerId: driftingWorker }, FAILED_PRECONDITION],
    },
    releaseWorker: {
      request: () => ({ workerId: driftingWorker }),
      answers: /"state":5/,
      bad: [{ workerId: idleWorker }, NOT_FOUND],
    },
    listAllTasks: { ...page, answers: /"client":"ann"/ },
    inspectTask: { ...ofTask, answers: /"kind":"created".*"client":"ann"/ },
    listDeadLetters: { ...page, answers: /"jobId":"job-1"/ },
    replayDeadLetter: {
      request: () => ({ jobId: deadJob }),
      answers: /ReplayDeadLetterResponse/,
      bad: [{ jobId: "x" }, NOT_FOUND],
    },
    planWeights: { ...ofSubnet, answers: /"netuid":17/ },
    listWeightAttempts: { ...ofSubnet, answers: /"attempts":\[\]/ },
    listPrompts: { ...page, answers: /"a red cube".*"totalSize":1/ },
    createApiKey: {
      request: () => ({ name: "carl", scopes: [ApiKeyScope.GENERATE] }),
      answers: /"secret":"tt_/,
      bad: [{ name: "carl" }, INVALID_ARGUMENT],
    },
    listApiKeys: { ...page, answers: /"name":"\w+"/ },
    revokeApiKey: {
      request: ({ keyId }) => ({ keyId }),
      answers: /RevokeApiKeyResponse/,
      bad: [{ keyId: "x" }, NOT_FOUND],
    },
  },
};

/** A scope that opens a service's methods, and one that does not. */
const scopesOf = new Map<DescService, readonly [openTo: Scope, closedTo: Scope]>([
  [GenerationService, ["generate", "score"]],
  [ScoringService, ["score", "read-all"]],
  [AdminService, ["admin", "read-all"]],
]);

const transportNames = ["grpc", "connect-json", "connect-binary", "grpc-web"] as const;
/** Long enough for a call to reach its handler on a busy machine most of the time, in ms. */
const deadlineMs = 40;

/** All services on the rules of a test; calls of clients that are held wait before their handlers. */
async function open() {
  await using stack = new AsyncDisposableStack();
  let held: PromiseWithResolvers<void> | undefined;
  /** Within the limits of a caller, and outside of the handler. */
  const holding = (access: AccessInterceptor): AccessInterceptor => {
    return (next) =>
      access(async (call) => {
        if (held !== undefined) {
          held.resolve();
          if (!call.signal.aborted) {
            await once(call.signal, "abort");
          }
          throw new RpcError(CANCELLED, "nobody waits any more");
        }
        return await next(call);
      });
  };
  const opened = stack.use(await openApi({ keyFile, wrapAccess: holding }));
  const { api, http, keys, subnet, access, onCall } = opened;
  const local = { host: "127.0.0.1", port: 0, onTrouble: assert.fail };
  const interceptor = holding(access.interceptorFor({}));
  const admin = stack.use(
    await startAdmin({
      admin: openAdmin(stack, subnet, keys, () => 1_000),
      native: { ...local, access: interceptor },
      ...{ webAccess: interceptor, onCall },
    }),
  );
  const adminHttp = stack.use(
    await startHttpServer({
      port: 0,
      maxBodyBytes: maxWebBodyBytes,
      routes: (app) => attachWeb(app, [{ methods: admin.web, corsOrigins: [] }]),
    }),
  );
  const public_ = openTransports(stack, { grpcPort: api.port, httpPort: http.port });
  const adminPorts = { grpcPort: admin.port ?? assert.fail(), httpPort: adminHttp.port };
  const forAdmin = openTransports(stack, adminPorts);
  const running = stack.move();
  return {
    ...opened,
    callerOf(service: DescService, transport: string): Caller {
      return (service === AdminService ? forAdmin : public_).get(transport) ?? assert.fail();
    },
    keyWith(scope: Scope, limits: { callsPerMinute?: number; concurrentCalls?: number } = {}) {
      const made = keys.create({ name: owner, scopes: [scope], ...limits }, 1_000);
      return made === undefined ? assert.fail() : { id: made.key.id, secret: made.secret };
    },
    /** Its owner's calls arrive and go no further, until `go` is called. */
    hold() {
      const arrival = Promise.withResolvers<void>();
      const state = { hasArrived: false };
      arrival.promise.then(() => {
        state.hasArrived = true;
      });
      held = arrival;
      return {
        ...{ state, arrived: arrival.promise },
        go(): void {
          held = undefined;
        },
      };
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Messages as text to look into; 64-bit numbers as text. */
async function told(answers: AsyncIterable<unknown>): Promise<string> {
  const all: unknown[] = [];
  for await (const answer of answers) {
    all.push(answer);
  }
  return JSON.stringify(all, (_, value) => (typeof value === "bigint" ? String(value) : value));
}

const refusedWith = (code: number, reason?: string) => (error: unknown) => {
  assert.ok(error instanceof Refusal, String(error));
  assert.equal(error.code, code, error.message);
  assert.equal(error.reason, reason ?? error.reason, error.message);
  return true;
};

/** More than any transport reads, in a field that no method knows. */
const tooMuch = { no: 9_999, wireType: 2, data: Buffer.alloc(3 * 1024 * 1024) };

for (const transport of transportNames) {
  test(`every RPC over ${transport}`, async (t) => {
    await using opened = await open();
    const taskId = opened.subnet.ask("a cup", 1_000, owner);
    await opened.score(taskId, "A", 0.9);
    opened.subnet.tasks.tick(100_000, () => new Set());
    const scoringId = await opened.makeScoring(owner, 0.9);
    const operator = opened.keyWith("admin").secret;
    for (const [service, [openTo, closedTo]] of scopesOf) {
      const call = opened.callerOf(service, transport);
      const ann = service === AdminService ? operator : "0123456789abcdef";
      for (const method of service.methods) {
        const { localName: name } = method;
        const row = rows[service.typeName]?.[name];
        const ask = (message: object, options: CallOptions = { key: ann }) =>
          told(call(service, name, message, options));
        const limited = (limits: Parameters<typeof opened.keyWith>[1]) =>
          opened.keyWith(openTo, limits).secret;
        const left = (count: number) =>
          opened.eventsOf(`/${service.typeName}/${method.name}`, "CANCELLED", count);
        await t.test(`${service.name} ${name}`, async () => {
          assert.ok(row !== undefined, "it has no row in this test");
          const newTask = opened.subnet.ask("a cup", 1_000, owner);
          const newScoring = await opened.makeScoring(owner);
          const keyId = opened.keyWith("score").id;
          const good = row.request({ taskId, newTask, scoringId, newScoring, keyId });

          for (const key of [undefined, "fedcba9876543210"]) {
            const refused = refusedWith(UNAUTHENTICATED, "UNAUTHENTICATED");
            await assert.rejects(ask(good, { key }), refused);
          }
          const other = opened.keyWith(closedTo).secret;
          const denied = refusedWith(PERMISSION_DENIED, "PERMISSION_DENIED");
          await assert.rejects(ask(good, { key: other }), denied);
          if (row.bad !== undefined) {
            const [bad, code] = row.bad;
            await assert.rejects(ask(bad), refusedWith(code));
          }
          if (transport !== "connect-json") {
            const large = { ...create(method.input, good), $unknown: [tooMuch] };
            await assert.rejects(ask(large), refusedWith(RESOURCE_EXHAUSTED));
          }
          await assert.rejects(ask(good, { key: ann, signal: AbortSignal.abort() }));

          const key = limited({ concurrentCalls: 1 });
          const held = opened.hold();
          const leaving = new AbortController();
          const gone = ask(good, { key, signal: leaving.signal });
          const cancelled = assert.rejects(gone);
          await held.arrived;
          const tooMany = refusedWith(RESOURCE_EXHAUSTED, "LIMIT_REACHED");
          await assert.rejects(ask(good, { key }), tooMany);
          leaving.abort();
          await cancelled;
          await left(1);
          const late = opened.hold();
          // One that changes nothing: on a busy machine it may arrive after its caller has given up.
          const tooLate = ask(row.bad?.[0] ?? good, { key: ann, timeoutMs: deadlineMs });
          await assert.rejects(tooLate, refusedWith(DEADLINE_EXCEEDED));
          if (late.state.hasArrived) {
            await left(2);
          }
          late.go();

          // Who left has given its place back, and nothing was done for it.
          assert.match(await ask(good, { key }), row.answers);
          const once = limited({ callsPerMinute: 1 });
          await ask(good, { key: once }).catch(() => undefined);
          await assert.rejects(ask(good, { key: once }), tooMany);
          opened.scorings.cancel(newScoring, 1_000);
        });
      }
    }
  });

  test(`a watch over ${transport} ends with its key, and when the coordinator stops`, {
    timeout: 60_000,
  }, async () => {
    await using opened = await open();
    const call = opened.callerOf(GenerationService, transport);
    const taskId = opened.subnet.ask("a cup", 1_000, owner);
    /** What comes after the first event, which nothing makes. */
    const begin = async (key: string) => {
      const watching = call(GenerationService, "watchTask", { taskId }, { key });
      const answers = watching[Symbol.asyncIterator]();
      assert.equal((await answers.next()).done, false);
      return { next: answers.next() };
    };
    const { id, secret } = opened.keyWith("read-all");
    const revoked = await begin(secret);
    opened.keys.revoke(id);
    await assert.rejects(revoked.next, refusedWith(UNAUTHENTICATED, "UNAUTHENTICATED"));
    const stopped = await begin(opened.keyWith("read-all").secret);
    opened.api.endStreams();
    const away = refusedWith(statusCodes.UNAVAILABLE, "UNAVAILABLE");
    await assert.rejects(stopped.next, away);
  });
}

test("no row is left of what is no RPC", () => {
  for (const service of scopesOf.keys()) {
    const names = service.methods.map(({ localName }) => localName);
    assert.deepEqual(Object.keys(rows[service.typeName] ?? {}).toSorted(), names.toSorted());
  }
});
