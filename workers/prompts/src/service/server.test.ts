import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, describe, it, type TestContext, test } from "node:test";
import { type Keypair, keypairFromUri, ready } from "@turntable/bittensor/keys";
import { createMetrics } from "@turntable/process";
import { createFilters } from "../filters/index.ts";
import { openPool, type PromptServerOptions, startPromptServer } from "./index.ts";

before(ready);

const startedAt = 1_764_000_000_000;

async function start(t: TestContext, options: Partial<PromptServerOptions> = {}) {
  const pool = options.pool ?? openPool(undefined, 100);
  pool.add(
    ["a red cup", "a blue cup", "a green lamp"].map((prompt) => ({ prompt, category: "c" })),
  );
  const server = await startPromptServer({
    ...{ host: "127.0.0.1", port: 0, pool, filters: createFilters(), getCount: 2, hotkeys: [] },
    ...{ submitKeys: ["k1"], metrics: createMetrics("test"), notReady: () => undefined },
    now: () => startedAt,
    ...options,
  });
  t.after(() => server[Symbol.asyncDispose]());
  return { url: server.url, pool };
}

/** The body as Python writes it: the nonce is a number of 19 digits. */
function signed(key: Keypair, nonce: bigint, hotkey = key.ss58): string {
  const signature = Buffer.from(key.sign(`${nonce}${hotkey}`)).toString("base64");
  return `{"hotkey": "${hotkey}", "nonce": ${nonce}, "signature": "${signature}"}`;
}

const nonceAt = (ms: number): bigint => BigInt(ms) * 1_000_000n + 123_457n;

async function ask(url: string, method: "GET" | "POST", path: string, body = "", headers = {}) {
  const sent = request(new URL(path, url), {
    method,
    headers: {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
      ...headers,
    },
  });
  sent.end(body);
  const [response] = await new Promise<[import("node:http").IncomingMessage]>((resolve, reject) => {
    sent.once("response", (got) => resolve([got]));
    sent.once("error", reject);
  });
  const text = Buffer.concat(await response.toArray()).toString();
  return { status: response.statusCode, body: JSON.parse(text) };
}

describe("get", () => {
  it("hands out fresh prompts first, to GET with a body as Python sends it and to POST", async (t) => {
    const { url } = await start(t);
    const alice = keypairFromUri("//Alice");
    const first = await ask(url, "GET", "/get", signed(alice, nonceAt(startedAt)));
    assert.deepEqual(first, { status: 200, body: { prompts: ["a green lamp", "a blue cup"] } });
    const second = await ask(url, "POST", "/get/", signed(alice, nonceAt(startedAt + 1)));
    assert.deepEqual(second.body.prompts, ["a red cup", "a green lamp"]);
  });

  it("fault 13: refuses what is not signed, is old, or came before", async (t) => {
    const directory = mkdtempSync(join(tmpdir(), "prompts-"));
    t.after(() => rmSync(directory, { recursive: true }));
    const [alice, bob] = [keypairFromUri("//Alice"), keypairFromUri("//Bob")];
    const once = signed(alice, nonceAt(startedAt));
    const code = async (url: string, body: string) => {
      const { status, body: answer } = await ask(url, "POST", "/get", body);
      return `${status} ${answer.code}`;
    };
    {
      using pool = openPool(directory, 100);
      const { url } = await start(t, { pool });
      assert.equal((await ask(url, "POST", "/get", once)).status, 200);
      assert.equal(await code(url, once), "401 used-nonce");
      assert.equal(
        await code(url, signed(bob, nonceAt(startedAt), alice.ss58)),
        "401 bad-signature",
      );
      assert.equal(await code(url, signed(bob, nonceAt(startedAt - 400_000))), "401 stale-nonce");
      assert.equal(
        await code(url, `{"hotkey": "${bob.ss58}", "nonce": 1, "signature": ""}`),
        "400 bad-request",
      );
      assert.equal(await code(url, "no JSON"), "400 bad-request");
    }
    using pool = openPool(directory, 100);
    const { url } = await start(t, { pool, hotkeys: [alice.ss58] });
    assert.equal(await code(url, once), "401 used-nonce", "also after a restart");
    assert.equal(await code(url, signed(bob, nonceAt(startedAt))), "403 not-allowed");
  });
});

test("submit takes prompts from who has a key, through the same filters", async (t) => {
  const { url, pool } = await start(t);
  const body = JSON.stringify({ prompts: ["1. A stone lion", "a blue sky", "the stone lion"] });
  assert.equal((await ask(url, "POST", "/submit", body)).status, 401);
  assert.equal(
    (await ask(url, "POST", "/submit", body, { authorization: "Bearer k2" })).status,
    401,
  );
  const taken = await ask(url, "POST", "/submit", body, { authorization: "Bearer k1" });
  assert.deepEqual(taken.body, {
    accepted: 1,
    rejected: [
      { prompt: "a blue sky", why: "banned-word" },
      { prompt: "the stone lion", why: "duplicate" },
    ],
  });
  assert.deepEqual(pool.take(1), ["a stone lion"]);
});

test("the pool is bounded: what was handed out most, and is oldest, goes", () => {
  using pool = openPool(undefined, 3);
  const add = (...prompts: string[]) =>
    pool.add(prompts.map((prompt) => ({ prompt, category: "c" })));
  assert.equal(add("a", "b", "c", "a"), 3);
  assert.deepEqual(pool.take(2), ["c", "b"]);
  add("d");
  assert.deepEqual([pool.size, pool.fresh], [3, 2]);
  assert.deepEqual([...pool.all()].toSorted(), ["a", "c", "d"]);
});
