/** Every RPC over every transport: success, bad input, wrong credentials, exceeded limits, cancellation. */
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import type { DescService } from "@bufbuild/protobuf";
import { GenerationService, ScoringService } from "@turntable/proto";
import { statusCodes } from "@turntable/proto/rpc";
import { type ApiChange, openApi } from "../../test/api.ts";
import { type CallOptions, openTransports, Refusal } from "../../test/transports.ts";
import type { Scope } from "../keys/index.ts";

const { INVALID_ARGUMENT, NOT_FOUND, UNAUTHENTICATED, PERMISSION_DENIED, RESOURCE_EXHAUSTED } =
  statusCodes;

const keyFile = "ann 0123456789abcdef";
const ann = "0123456789abcdef";

/** What requests are about: ann's. */
interface Subject {
  /** A task that has succeeded, and a new one. */
  readonly taskId: string;
  readonly newTask: string;
  /** A scoring that was scored, and a new one, of three bytes. */
  readonly scoringId: string;
  readonly newScoring: string;
}

interface Rpc {
  readonly service: DescService;
  readonly method: string;
  readonly request: (subject: Subject) => object;
  /** What is in the answers, as JSON. */
  readonly answers: RegExp;
  readonly bad: object;
  readonly badCode: number;
  /** The scope that opens it, and one that does not. */
  readonly openTo: Scope;
  readonly closedTo: Scope;
}

const generation = { service: GenerationService, openTo: "generate", closedTo: "score" } as const;
const scoring = { service: ScoringService, openTo: "score", closedTo: "read-all" } as const;
const ofTask = {
  ...generation,
  request: ({ taskId }: Subject) => ({ taskId }),
  bad: { taskId: "x" },
  badCode: NOT_FOUND,
};

const ofScoring = {
  ...scoring,
  request: ({ scoringId }: Subject) => ({ scoringId }),
  bad: { scoringId: "x" },
  badCode: NOT_FOUND,
};
const announced = { prompt: "a cup", sizeBytes: 3n, sha256: new Uint8Array(32) };

const rpcs: readonly Rpc[] = [
  {
    ...{ ...generation, method: "createTask", request: () => ({ prompt: "a cup" }) },
    ...{ answers: /"prompt":"a cup"/, bad: { prompt: " " }, badCode: INVALID_ARGUMENT },
  },
  { ...ofTask, method: "getTask", answers: /"state":4/ },
  {
    ...{ ...generation, method: "listTasks", request: () => ({ pageSize: 1 }) },
    ...{ answers: /"prompt":"a cup"/, bad: { pageToken: "x" }, badCode: INVALID_ARGUMENT },
  },
  { ...ofTask, method: "watchTask", answers: /"created".*"succeeded"/ },
  { ...ofTask, method: "downloadAsset", answers: /"case":"asset".*"case":"chunk"/ },
  { ...ofTask, method: "getReport", answers: /"score":0.9/ },
  {
    ...{ ...ofTask, method: "cancelTask", answers: /"state":6/ },
    request: ({ newTask: taskId }) => ({ taskId }),
  },
  {
    ...{ ...scoring, method: "createScoring", answers: /"sizeBytes":"3".*"receivedBytes":"0"/ },
    request: () => ({ ...announced, requestId: "r" }),
    ...{ bad: { ...announced, sha256: new Uint8Array(31) }, badCode: INVALID_ARGUMENT },
  },
  {
    ...{ ...ofScoring, method: "uploadAsset", answers: /"receivedBytes":"2","complete":false/ },
    request: ({ newScoring: scoringId }) => ({ scoringId, offset: 0n, chunk: new Uint8Array(2) }),
  },
  { ...ofScoring, method: "getScoring", answers: /"state":3.*"score":0.9/ },
  { ...ofScoring, method: "watchScoring", answers: /"state":3.*"score":0.9/ },
  {
    ...{ ...ofScoring, method: "cancelScoring", answers: /"code":"cancelled"/ },
    request: ({ newScoring: scoringId }) => ({ scoringId }),
  },
];

/** Messages as text to look into; 64-bit numbers as text. */
async function told(answers: AsyncIterable<unknown>): Promise<string> {
  const all: unknown[] = [];
  for await (const answer of answers) {
    all.push(answer);
  }
  return JSON.stringify(all, (_, value) => (typeof value === "bigint" ? String(value) : value));
}

async function open(change: ApiChange = {}) {
  await using stack = new AsyncDisposableStack();
  const opened = stack.use(await openApi({ keyFile, ...change }));
  const ports = { grpcPort: opened.api.port, httpPort: opened.http.port };
  const transports = openTransports(stack, ports);
  const running = stack.move();
  return {
    ...opened,
    transports,
    /** A key of bob's. */
    keyWith(scope: Scope, callsPerMinute = 0): { readonly id: string; readonly secret: string } {
      const made = opened.keys.create({ name: "bob", scopes: [scope], callsPerMinute }, 1_000);
      return made === undefined ? assert.fail() : { id: made.key.id, secret: made.secret };
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function refusedWith(code: number, reason: string) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof Refusal, String(error));
    assert.deepEqual([error.code, error.reason], [code, reason], error.message);
    return true;
  };
}

test("every RPC over every transport", async (t) => {
  await using opened = await open();
  const taskId = opened.subnet.ask("a cup", 1_000, "ann");
  await opened.score(taskId, "A", 0.9);
  opened.subnet.tasks.tick(100_000, () => new Set());
  const scoringId = await opened.makeScoring("ann", 0.9);
  for (const [transport, call] of opened.transports) {
    for (const { service, method, request, answers, bad, badCode, openTo, closedTo } of rpcs) {
      const ask = (message: object, options: CallOptions = { key: ann }) =>
        told(call(service, method, message, options));
      await t.test(`${transport} ${method}`, async () => {
        const newTask = opened.subnet.ask("a cup", 1_000, "ann");
        const newScoring = await opened.makeScoring("ann");
        const good = request({ taskId, newTask, scoringId, newScoring });
        assert.match(await ask(good), answers);
        const badReason = badCode === NOT_FOUND ? "NOT_FOUND" : "FIELD_INVALID";
        await assert.rejects(ask(bad), refusedWith(badCode, badReason));
        for (const key of [undefined, "fedcba9876543210"]) {
          await assert.rejects(ask(good, { key }), refusedWith(UNAUTHENTICATED, "UNAUTHENTICATED"));
        }
        await assert.rejects(
          ask(good, { key: opened.keyWith(closedTo).secret }),
          refusedWith(PERMISSION_DENIED, "PERMISSION_DENIED"),
        );
        const { secret: key } = opened.keyWith(openTo, 1);
        await assert.rejects(ask(bad, { key }), refusedWith(badCode, badReason));
        await assert.rejects(ask(good, { key }), refusedWith(RESOURCE_EXHAUSTED, "LIMIT_REACHED"));
        await assert.rejects(ask(good, { key: ann, signal: AbortSignal.abort() }));
        opened.scorings.cancel(newScoring, 1_000);
      });
    }
  }
});

test("a watch is ended by its caller, its deadline, its key's end and a stop, over every transport", async (t) => {
  for (const transport of ["grpc", "connect-json", "connect-binary", "grpc-web"]) {
    await t.test(transport, { timeout: 20_000 }, async () => {
      await using opened = await open();
      const call = opened.transports.get(transport) ?? assert.fail();
      const taskId = opened.subnet.ask("a cup", 1_000, "bob");
      const { id, secret: key } = opened.keyWith("generate");
      const watch = (options: CallOptions = {}) =>
        call(GenerationService, "watchTask", { taskId }, { key, ...options })[
          Symbol.asyncIterator
        ]();
      /** The first event has come, and the next never will. */
      const begin = async (options?: CallOptions) => {
        const watching = watch(options);
        assert.equal((await watching.next()).done, false);
        return watching;
      };
      const ended = (count: number) => opened.eventCount(count);

      const leaving = new AbortController();
      const left = await begin({ signal: leaving.signal });
      const next = left.next();
      leaving.abort();
      await assert.rejects(next);
      await ended(1); // the server's side has ended, too

      const late = await begin({ timeoutMs: 300 });
      await assert.rejects(late.next(), (error) => {
        assert.ok(error instanceof Refusal);
        assert.equal(error.code, statusCodes.DEADLINE_EXCEEDED);
        return true;
      });
      await ended(2);

      const revoked = await begin();
      const cut = revoked.next();
      opened.keys.revoke(id);
      await assert.rejects(cut, refusedWith(UNAUTHENTICATED, "UNAUTHENTICATED"));
      await ended(3);

      const stopped = await begin({ key: opened.keyWith("read-all").secret });
      const stop = stopped.next();
      opened.api.endStreams();
      await assert.rejects(stop, refusedWith(statusCodes.UNAVAILABLE, "UNAVAILABLE"));
      assert.equal(opened.events.at(-1)?.code, "UNAVAILABLE");
    });
  }
});

const hasCurl = spawnSync("curl", ["--version"]).status === 0;

test("curl makes a task with plain JSON, and is told in JSON what is wrong", {
  skip: hasCurl ? false : "there is no curl",
}, async () => {
  await using opened = await open();
  const post = async (body: string, type = "application/json") => {
    const { stdout } = await promisify(execFile)("curl", [
      ...["-sS", "-w", "\n%{http_code}", "-H", `content-type: ${type}`],
      ...["-H", `authorization: Bearer ${ann}`, "-d", body],
      `${opened.http.url}/turntable.v1.GenerationService/CreateTask`,
    ]);
    return stdout;
  };
  assert.match(
    await post('{"prompt":"a red cube"}'),
    /"prompt":"a red cube","state":"TASK_STATE_QUEUED".*\n200$/,
  );
  assert.match(
    await post('{"prompt":""}'),
    /"code":"invalid_argument","message":"prompt is empty.*\n400$/,
  );
  assert.match(await post("{"), /\n400$/);
  assert.match(await post("<a/>", "text/xml"), /\n415$/);
  assert.deepEqual(
    opened.events.map(({ client, code }) => [client, code]),
    [
      ["ann", "OK"],
      ["ann", "INVALID_ARGUMENT"],
      ["ann", "INVALID_ARGUMENT"],
    ],
  );
});

test("pages of allowed origins may call, and no others", async () => {
  await using opened = await open({ corsOrigins: ["https://example.com"] });
  const url = `${opened.http.url}/turntable.v1.GenerationService/CreateTask`;
  const ask = (origin: string, method: string) =>
    fetch(url, {
      method,
      headers: { origin, "content-type": "application/json" },
      body: method === "POST" ? "{}" : null,
    });
  const preflight = await ask("https://example.com", "OPTIONS");
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers.get("access-control-allow-origin"), "https://example.com");
  assert.match(preflight.headers.get("access-control-allow-headers") ?? "", /authorization/);
  const refused = await ask("https://example.com", "POST");
  assert.equal(refused.status, 401);
  assert.equal(refused.headers.get("access-control-allow-origin"), "https://example.com");
  for (const method of ["OPTIONS", "POST"]) {
    const other = await ask("https://other.example", method);
    assert.equal(other.headers.get("access-control-allow-origin"), null);
  }
});

test("the OpenAPI document names every method and says what it is for", async () => {
  await using opened = await open();
  const document = await (await fetch(`${opened.http.url}/openapi.json`)).text();
  for (const path of opened.api.web.keys()) {
    assert.match(document, new RegExp(`"${path}":{"post":{`));
  }
  assert.match(document, /"description":"Queues a task\. Repeating the call/);
});
