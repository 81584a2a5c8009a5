/** Every RPC of SubnetService over every transport: success, bad input, exceeded limits, cancellation; never a key. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { SubnetService } from "@turntable/proto";
import { statusCodes } from "@turntable/proto/rpc";
import { alice, bob, serveSubnet } from "../../../test/subnet.ts";
import { type Caller, type CallOptions, Refusal } from "../../../test/transports.ts";

const { INVALID_ARGUMENT, NOT_FOUND, RESOURCE_EXHAUSTED, UNAVAILABLE } = statusCodes;

/** What requests are about. */
interface Subject {
  readonly taskId: string;
  readonly copyId: string;
}

interface Rpc {
  readonly method: keyof typeof SubnetService.method;
  readonly request: (subject: Subject) => object;
  /** What is in the answers, as JSON. */
  readonly answers: RegExp;
  /** None where there is no bad request. */
  readonly bad?: object;
  readonly badCode?: number;
  /** A stream that does not end by itself. */
  readonly isEndless?: boolean;
}

const rpcs: readonly Rpc[] = [
  { method: "getOverview", request: () => ({}), answers: /"rules":"seed".*"problems"/ },
  {
    ...{ method: "watchOverview", request: () => ({}), isEndless: true },
    answers: /"facts".*"tasks".*"queue".*"workers".*"leaders".*"scores".*"weights"/,
  },
  {
    ...{ method: "listPublicTasks", request: () => ({ pageSize: 1, states: [4] }) },
    ...{ answers: /"prompt":"a red cube"/, bad: { states: [77] }, badCode: INVALID_ARGUMENT },
  },
  {
    ...{ method: "getPublicTask", request: ({ taskId }: Subject) => ({ taskId }) },
    ...{ answers: /"outcomeReason":"It is the only/, bad: { taskId: "x" }, badCode: NOT_FOUND },
  },
  {
    ...{ method: "watchPublicTask", request: ({ taskId }: Subject) => ({ taskId }) },
    ...{ answers: /"published":true/, bad: { taskId: "x" }, badCode: NOT_FOUND },
  },
  {
    ...{ method: "getPublicReport", request: ({ copyId }: Subject) => ({ copyId }) },
    ...{ answers: /"signatureValid":true/, bad: { copyId: "x" }, badCode: NOT_FOUND },
  },
  {
    ...{ method: "downloadSubmission", request: ({ copyId }: Subject) => ({ copyId }) },
    ...{ answers: /"case":"asset".*"case":"chunk"/, bad: { copyId: "x" }, badCode: NOT_FOUND },
  },
  {
    ...{ method: "getPublicMiner", request: () => ({ hotkey: alice }) },
    ...{ answers: /"advice":\[\{/, bad: { hotkey: "x" }, badCode: INVALID_ARGUMENT },
  },
  {
    ...{ method: "listPublicVerdicts", request: () => ({ hotkey: alice, verdicts: ["accepted"] }) },
    ...{ answers: /"verdict":"accepted"/, bad: { hotkey: alice, pageToken: "x" } },
    badCode: INVALID_ARGUMENT,
  },
];

/** More than any transport reads, in a field that no method knows. */
const tooMuch = { no: 9_999, wireType: 2, data: Buffer.alloc(3 * 1024 * 1024) };

async function answersOf(
  call: Caller,
  { method, isEndless }: Rpc,
  request: object,
  options: CallOptions = {},
): Promise<string> {
  const answers: unknown[] = [];
  for await (const answer of call(SubnetService, method, request, options)) {
    answers.push(answer);
    if (isEndless === true) {
      break;
    }
  }
  return JSON.stringify(answers, (_key, value) =>
    typeof value === "bigint" ? value.toString() : value,
  );
}

function refusedWith(code: number, reason: string) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof Refusal, String(error));
    assert.deepEqual([error.code, error.reason], [code, reason], error.message);
    return true;
  };
}

test("every RPC over every transport", async (t) => {
  await using opened = await serveSubnet({ showClientTasks: true });
  const { taskId, copyId } = await opened.organic(0.9);
  opened.wait(61_000);
  opened.tasks.tick(opened.now(), () => new Set());
  for (const [transport, call] of opened.transports) {
    for (const rpc of rpcs) {
      await t.test(`${transport} ${rpc.method}`, async () => {
        const good = rpc.request({ taskId, copyId });
        assert.match(await answersOf(call, rpc, good), rpc.answers);
        // A key that is nobody's is no hindrance where none is needed.
        assert.match(await answersOf(call, rpc, good, { key: "f".repeat(16) }), rpc.answers);
        if (rpc.bad !== undefined && rpc.badCode !== undefined) {
          const reason = rpc.badCode === NOT_FOUND ? "NOT_FOUND" : "FIELD_INVALID";
          await assert.rejects(answersOf(call, rpc, rpc.bad), refusedWith(rpc.badCode, reason));
        }
        if (transport !== "connect-json") {
          const schema = SubnetService.method[rpc.method].input;
          const large = { ...create(schema, good), $unknown: [tooMuch] };
          await assert.rejects(answersOf(call, rpc, large), (error) => {
            assert.ok(error instanceof Refusal, String(error));
            assert.equal(error.code, RESOURCE_EXHAUSTED, error.message);
            return true;
          });
        }
        await assert.rejects(answersOf(call, rpc, good, { signal: AbortSignal.abort() }));
      });
    }
  }
  assert.ok(opened.events.every(({ client }) => client === "everybody"));
});

test("every RPC that the service has is among them", () => {
  const names = SubnetService.methods.map(({ localName }) => localName);
  assert.deepEqual(rpcs.map(({ method }) => method).toSorted(), names.toSorted());
});

test("all callers together make so many calls a minute, over whatever transport", async () => {
  await using opened = await serveSubnet({ callsPerMinute: 4 });
  const rpc = rpcs.find(({ method }) => method === "listPublicTasks") ?? assert.fail();
  const calls = [...opened.transports.values()];
  for (const call of calls) {
    await answersOf(call, rpc, {});
  }
  for (const call of calls) {
    await assert.rejects(
      answersOf(call, rpc, {}),
      refusedWith(RESOURCE_EXHAUSTED, "LIMIT_REACHED"),
    );
  }
});

test("a watch is bounded in number, and ended by its caller, its deadline and a stop", async (t) => {
  for (const transport of ["grpc", "connect-json", "connect-binary", "grpc-web"]) {
    await t.test(transport, { timeout: 20_000 }, async () => {
      await using opened = await serveSubnet({ showClientTasks: true });
      const call = opened.transports.get(transport) ?? assert.fail();
      const { taskId } = await opened.organic(undefined);
      let ended = 0;
      for (const [method, request] of [
        ["watchOverview", {}],
        ["watchPublicTask", { taskId }],
      ] as const) {
        const begin = async (options: CallOptions = {}) => {
          const answers = call(SubnetService, method, request, options)[Symbol.asyncIterator]();
          assert.equal((await answers.next()).done, false);
          return answers;
        };
        const leaving = new AbortController();
        const left = await begin({ signal: leaving.signal });
        const late = await begin({ timeoutMs: 1_000 });
        await assert.rejects(begin(), refusedWith(RESOURCE_EXHAUSTED, "LIMIT_REACHED"));
        leaving.abort();
        await assert.rejects(left.next());
        await assert.rejects(drained(late), (error) => {
          assert.ok(error instanceof Refusal);
          assert.equal(error.code, statusCodes.DEADLINE_EXCEEDED);
          return true;
        });
        ended += 3;
        await opened.eventCount(ended); // the server's side has ended, too, and there is room again
        await (await begin()).return?.(undefined);
        ended += 1;
        await opened.eventCount(ended);
      }
      const stopped = call(SubnetService, "watchPublicTask", { taskId })[Symbol.asyncIterator]();
      await stopped.next();
      const stop = stopped.next();
      opened.endStreams();
      await assert.rejects(stop, refusedWith(UNAVAILABLE, "UNAVAILABLE"));
    });
  }
});

/** Whatever comes until the stream's end. */
async function drained(answers: AsyncIterator<unknown>): Promise<void> {
  while ((await answers.next()).done !== true) {
    // nothing is asked of it
  }
}

test("a page behind a prefix finds the service there, too", async () => {
  await using opened = await serveSubnet({ prefix: "/subnet" });
  for (const prefix of ["", "/subnet"]) {
    const response = await fetch(
      `${opened.http.url}${prefix}/turntable.v1.SubnetService/ListPublicTasks`,
      { method: "POST", headers: { "content-type": "application/json" }, body: "{}" },
    );
    assert.deepEqual([response.status, await response.json()], [200, {}]);
  }
});

test("a miner that nobody knows is not found, one that is registered is", async () => {
  await using opened = await serveSubnet();
  const call = opened.transports.get("connect-json") ?? assert.fail();
  const rpc = rpcs.find(({ method }) => method === "getPublicMiner") ?? assert.fail();
  const stranger = opened.options.validatorHotkey;
  await assert.rejects(
    answersOf(call, rpc, { hotkey: stranger }),
    refusedWith(NOT_FOUND, "NOT_FOUND"),
  );
  assert.match(await answersOf(call, rpc, { hotkey: bob }), /"registered":true/);
});
