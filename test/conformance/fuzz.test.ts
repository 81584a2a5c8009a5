/**
 * Ten thousand generated requests against a running axon: each is a right one with something wrong in it, so what must
 * come is known. Every answer must be JSON with the status in its headers, and the axon must not grow.
 * The recorded and derived requests are in `bittensor/src/axon/axon.vectors.test.ts`, which runs along.
 */
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createNonceMemory, route, startAxon } from "@turntable/bittensor/axon";
import { keypairFromUri, ready } from "@turntable/bittensor/keys";
import { pullTask, storeUser, submitResults } from "@turntable/bittensor/synapse";
import {
  buildRequest,
  header,
  openRaw,
  type RawAnswer,
  type RawConnection,
  type RequestParts,
} from "@turntable/bittensor/test";
import fc from "fast-check";

const requestCount = 10_000;
/** Connections that send side by side. */
const lanes = 8;
/** Growth of the heap over all requests that we take for noise, in bytes. */
const maxGrowthBytes = 64 << 20;

before(ready);

/** A change to a request, and the statuses that may come of it. */
interface Mutation {
  readonly name: string;
  readonly change: Partial<RequestParts>;
  readonly expected: readonly number[];
}

const submission: Partial<RequestParts> = {
  synapse: "SubmitResults",
  zeros: { results: '""', submit_time: "0", signature: '""' },
  fields: { results: "AAAA", submit_time: 1, signature: "c2ln" },
};

/** Header values that Node's client side lets through: no line breaks, no control characters. */
const headerText = fc
  .array(
    fc.integer({ min: 0x20, max: 0xff }).filter((code) => code !== 0x7f),
    { maxLength: 200 },
  )
  .map((codes) => String.fromCharCode(...codes));

const notInteger = headerText.filter(
  (text) => !/^\s*[-+]?\d+(\.0+)?\s*$/.test(text) && text.trim() !== "",
);

const mutation = (
  name: string,
  expected: readonly number[],
  changes: fc.Arbitrary<Partial<RequestParts>>,
): fc.Arbitrary<Mutation> => changes.map((change) => ({ name, change, expected }));

const headers = (values: Record<string, fc.Arbitrary<string | undefined>>) =>
  fc.record(values).map((changed): Partial<RequestParts> => ({ headers: changed }));

/** JSON of any shape, as text; deep and wide ones among it. */
const jsonText = fc.oneof(
  fc.json(),
  fc.integer({ min: 1, max: 20_000 }).map((depth) => "[".repeat(depth) + "]".repeat(depth)),
  fc.integer({ min: 1, max: 5000 }).map((digits) => `{"task":${"9".repeat(digits)}}`),
  fc.constantFrom('{"__proto__":{"a":1}}', '{"constructor":1}', '"text"', "1e999", "-0", "[[]]"),
);

const wrongValue = fc.constantFrom<unknown>(null, {}, [], true, 1.5, "x", { a: 1 }, [1], -1.5);

const mutations: readonly fc.Arbitrary<Mutation>[] = [
  mutation("nothing wrong", [200], fc.constantFrom({}, submission)),
  mutation(
    "unknown class",
    [404],
    fc
      .stringMatching(/^[A-Za-z0-9_]{1,40}$/)
      .filter((name) => !["PullTask", "SubmitResults", "StoreUser", "Synapse"].includes(name))
      .map((name) => ({ path: `/${name}` })),
  ),
  mutation(
    "odd path",
    [404, 307, 400],
    fc
      .stringMatching(/^[!-~]{0,60}$/)
      .filter((path) => !/^\/?(PullTask|SubmitResults|StoreUser|Synapse)(\?|$)/.test(path))
      .map((path) => ({ path: `/${path}/x` })),
  ),
  mutation(
    "another method",
    [405],
    fc.constantFrom("PUT", "PATCH", "DELETE", "OPTIONS").map((method) => ({ method })),
  ),
  mutation("nonce that is none", [500], headers({ bt_header_dendrite_nonce: notInteger })),
  mutation("version that is none", [500, 400], headers({ bt_header_dendrite_version: notInteger })),
  mutation("timeout that is none", [500], headers({ timeout: fc.stringMatching(/^[a-z]{1,9}$/) })),
  mutation("wrong signature", [401], headers({ bt_header_dendrite_signature: headerText })),
  mutation(
    "random signature",
    [401],
    headers({
      bt_header_dendrite_signature: fc
        .uint8Array({ minLength: 64, maxLength: 64 })
        .map((bytes) => `0x${Buffer.from(bytes).toString("hex")}`),
    }),
  ),
  mutation(
    "no signature",
    [401],
    headers({ bt_header_dendrite_signature: fc.constant(undefined) }),
  ),
  mutation(
    "another hotkey",
    [401],
    headers({ bt_header_dendrite_hotkey: headerText.filter((text) => text.trim() !== "") }),
  ),
  mutation(
    "another uuid",
    [401],
    headers({ bt_header_dendrite_uuid: headerText.filter((text) => text.trim() !== "") }),
  ),
  mutation("another hash", [401], headers({ computed_body_hash: headerText })),
  mutation(
    "another nonce",
    [401],
    headers({
      bt_header_dendrite_nonce: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }).map(String),
    }),
  ),
  mutation(
    "old nonce",
    [401],
    fc.bigInt({ min: 0n, max: 10n ** 18n }).map((nonce) => ({ nonce })),
  ),
  mutation("an unused header", [200], headers({ "x-extra": headerText })),
  mutation(
    "a header of ours with odd text",
    [200],
    headers({
      name: headerText,
      header_size: headerText,
      total_size: headerText,
      bt_header_axon_ip: headerText,
    }),
  ),
  mutation(
    "zero value missing",
    [500],
    fc
      .constantFrom("results", "submit_time", "signature")
      .map((name) => ({ ...submission, zeros: { ...submission.zeros, [name]: "not json" } })),
  ),
  mutation(
    "body of any bytes",
    [200, 401, 422, 500],
    fc.uint8Array({ maxLength: 2000 }).map((bytes) => ({ body: Buffer.from(bytes) })),
  ),
  mutation(
    "body of any JSON",
    [200, 401, 422, 500],
    jsonText.map((body) => ({ body })),
  ),
  mutation(
    "body of any JSON for results",
    [401, 422, 500],
    jsonText
      .filter((text) => !text.includes("submit_time"))
      .map((body) => ({ ...submission, body })),
  ),
  mutation(
    "fields of wrong types",
    [500],
    fc
      .record({
        results: fc.constantFrom<unknown>(null, 1, {}, []),
        submit_time: wrongValue,
        signature: wrongValue,
      })
      .map((fields) => ({ ...submission, fields })),
  ),
  mutation(
    "a body too large",
    [413],
    fc
      .integer({ min: (1 << 20) + 1, max: 3 << 20 })
      .map((length) => ({ body: Buffer.alloc(length, " ") })),
  ),
  mutation(
    "headers too large",
    [431],
    fc
      .integer({ min: 33_000, max: 60_000 })
      .map((length) => ({ headers: { "x-long": "a".repeat(length) } })),
  ),
  mutation(
    "another type",
    [500],
    headers({
      "Content-Type": fc.constantFrom("text/plain", "application/xml", "multipart/form-data", "x"),
    }),
  ),
  mutation(
    "hashed body changed",
    [500],
    fc.string({ minLength: 1 }).map((encrypted_data) => ({
      synapse: "StoreUser",
      zeros: { encrypted_data: '""', encryption_payload: '""' },
      fields: { encrypted_data, encryption_payload: "" },
    })),
  ),
];

function check(answer: RawAnswer, { name, expected }: Mutation): void {
  const what = `${name}: ${answer.status} ${answer.body.slice(0, 200)}`;
  assert.ok(expected.includes(answer.status), what);
  const body: unknown = JSON.parse(answer.body);
  assert.ok(typeof body === "object" && body !== null, what);
  assert.equal(header(answer, "content-type"), "application/json", what);
  assert.equal(header(answer, "bt_header_axon_status_code"), String(answer.status), what);
  assert.match(
    header(answer, "bt_header_axon_status_message") ?? "",
    /^[\x20-\x7e]{1,1000}$/,
    what,
  );
  assert.ok(header(answer, "timeout") !== undefined && header(answer, "name") !== undefined, what);
  if (answer.status === 200) {
    assert.ok("axon" in body && "dendrite" in body, what);
  } else {
    assert.ok("message" in body && typeof body.message === "string", what);
  }
}

describe("a running axon", () => {
  it(`answers ${requestCount} generated requests as it must, and does not grow`, async (context) => {
    const alice = keypairFromUri("//Alice");
    const bob = keypairFromUri("//Bob");
    const faults: unknown[] = [];
    await using axon = await startAxon({
      hotkey: bob,
      host: "127.0.0.1",
      port: 0,
      nonces: createNonceMemory(),
      // All come from one address and one hotkey, as fast as they can.
      limits: { strangerBurst: requestCount * 2, hotkeyBurst: requestCount * 2 },
      routes: [
        route(pullTask, { handle: () => ({ task: { type: "text", id: "1", prompt: "a cube" } }) }),
        route(submitResults, { handle: () => ({}) }),
        route(storeUser, { handle: () => ({}) }),
      ],
      onRequest: ({ error }) => {
        if (error !== undefined) {
          faults.push(error);
        }
      },
    });
    const seed = Date.now() & 0x7fffffff;
    context.diagnostic(`seed ${seed}`);
    const cases = fc.sample(fc.oneof(...mutations), { numRuns: requestCount, seed });
    let nonce = 0n;
    let next = 0;
    const told = new Map<number, number>();

    const lane = async (): Promise<void> => {
      let connection: RawConnection | undefined;
      for (let index = next++; index < cases.length; index = next++) {
        const mutated = cases[index];
        if (mutated === undefined) {
          break;
        }
        if (
          connection === undefined ||
          connection.socket.destroyed ||
          connection.socket.readableEnded
        ) {
          connection = await openRaw(axon.port);
        }
        const clock = BigInt(Date.now()) * 1_000_000n;
        nonce = clock > nonce ? clock : nonce + 1n;
        const request = buildRequest({
          caller: alice,
          axonHotkey: bob.ss58,
          synapse: "PullTask",
          nonce,
          ...mutated.change,
        });
        const answer = await connection.send(request.head, request.body);
        check(answer, mutated);
        told.set(answer.status, (told.get(answer.status) ?? 0) + 1);
        if (header(answer, "connection")?.toLowerCase() === "close") {
          await connection[Symbol.asyncDispose]();
          connection = undefined;
        }
      }
      await connection?.[Symbol.asyncDispose]();
    };

    const before = heapInUse();
    await Promise.all(Array.from({ length: lanes }, lane));
    const growth = heapInUse() - before;
    context.diagnostic(
      `statuses ${JSON.stringify(Object.fromEntries(told))}, heap grew by ${growth}`,
    );
    assert.deepEqual(faults, []);
    assert.ok(growth < maxGrowthBytes, `the heap grew by ${growth} bytes`);
    const last = buildRequest({
      caller: alice,
      axonHotkey: bob.ss58,
      synapse: "PullTask",
      nonce: nonce + 1n,
    });
    await using connection = await openRaw(axon.port);
    assert.equal((await connection.send(last.head, last.body)).status, 200);
  });
});

/** Bytes that are really in use: garbage is collected first. */
function heapInUse(): number {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  assert.ok(typeof collect === "function");
  collect();
  return process.memoryUsage().heapUsed;
}
