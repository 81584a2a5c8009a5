import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { keypairFromUri, ready, verifySignature } from "@turntable/bittensor/keys";
import { openRules, rules } from "../../test/rules.ts";
import { openStore } from "../store/index.ts";
import { type PromptOptions, type PromptsEvent, startPrompts } from "./index.ts";

await ready();
const hotkey = keypairFromUri("//Validator");
const hourMs = 3_600_000;
const fromFile = ["a file's cube", "a file's ball"];
const fresh = Array.from({ length: 1_000 }, (_, n) => `fresh ${n}`);

interface Asked {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly body: string;
}

/** A prompt service that answers as it is told to; it notes what it was asked. */
async function startService(t: TestContext) {
  const asked: Asked[] = [];
  let answer = (response: ServerResponse): void =>
    void response.end(JSON.stringify({ prompts: fresh }));
  const server = createServer(async (request: IncomingMessage, response) => {
    let body = "";
    for await (const chunk of request) {
      body += chunk;
    }
    asked.push({ method: request.method, url: request.url, body });
    answer(response);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo; // of a TCP server
  return {
    asked,
    url: `http://127.0.0.1:${port}`,
    answers(next: (response: ServerResponse) => void): void {
      answer = next;
    },
  };
}

/** Prompts in a store of their own, on a clock of the test. */
async function openPrompts(t: TestContext, change: Partial<PromptOptions> = {}) {
  const directory = mkdtempSync(join(tmpdir(), "turntable-prompts-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const events: PromptsEvent[] = [];
  const lent = new Map<string, Map<string, number>>();
  const clock = { now: 1_764_000_000_123 };
  const start = async () => {
    const store = openStore(directory);
    const prompts = startPrompts({
      ...{ store, hotkey, list: fromFile, maxChars: 100, windowMs: 8 * hourMs },
      ...change,
      lent: {
        promptLentAt: (miner, prompt) => lent.get(miner)?.get(prompt),
        promptsLent: (miner) => lent.get(miner) ?? new Map(),
      },
      onEvent: (event) => events.push(event),
      onTrouble: (what, error) => assert.fail(`${what}: ${error}`),
      now: () => clock.now,
    });
    await prompts.look();
    return {
      look: prompts.look,
      count: prompts.count,
      /** As a pull does it. */
      draw(miner: string): string {
        const prompt = prompts.draw(miner) ?? assert.fail("no prompt");
        lent.set(miner, (lent.get(miner) ?? new Map()).set(prompt, clock.now++));
        return prompt;
      },
      async [Symbol.asyncDispose]() {
        await prompts[Symbol.asyncDispose]();
        store[Symbol.dispose]();
      },
    };
  };
  return { start, events, clock };
}

const service = (url: string, method: "GET" | "POST" = "GET") => ({
  ...{ url, method, refreshMs: hourMs, leastPrompts: 1_000, timeoutMs: 2_000 },
});

test("the service is asked with the hotkey's signature, by GET with a body or POST, once an hour", async (t) => {
  const server = await startService(t);
  for (const method of ["GET", "POST"] as const) {
    server.asked.length = 0;
    const opened = await openPrompts(t, { service: service(`${server.url}/`, method) });
    await using prompts = await opened.start();
    assert.equal(prompts.count(), 1_000);
    assert.match(prompts.draw("A"), /^fresh /);
    await prompts.look();
    opened.clock.now += hourMs - 10;
    await prompts.look();
    assert.equal(server.asked.length, 1, "it is not time yet");
    opened.clock.now += 10;
    await prompts.look();
    assert.deepEqual(
      server.asked.map(({ method, url }) => `${method} ${url}`),
      [`${method} /get`, `${method} /get`],
    );
    const nonces = server.asked.map(({ body }) => {
      // The nonce as it stands: JavaScript's numbers would round it.
      const [, signedBy, nonce, signature] =
        /^\{"hotkey":"(\w+)","nonce":(\d+),"signature":"([^"]+)"\}$/.exec(body) ??
        assert.fail(body);
      assert.equal(signedBy, hotkey.ss58);
      const bytes = Buffer.from(signature ?? "", "base64");
      assert.ok(verifySignature(Buffer.from(`${nonce}${signedBy}`), bytes, hotkey.ss58));
      return nonce;
    });
    assert.equal(nonces[0], "1764000000123000000");
    assert.notEqual(nonces[1], nonces[0]);
  }
});

const letters = [..."abcdefghijklmnopqrst"];

test("no prompt comes twice to a miner within the window, and then the oldest, which is told", async (t) => {
  const opened = await openPrompts(t, { list: letters, seed: "1" });
  await using prompts = await opened.start();
  const draws = (miner: string, count: number) =>
    Array.from({ length: count }, () => prompts.draw(miner));
  draws("B", 15);
  const first = draws("A", 20);
  assert.deepEqual(first.toSorted(), letters, "whatever others drew meanwhile");
  assert.deepEqual(opened.events, []);
  assert.equal(prompts.draw("A"), first[0]);
  assert.deepEqual(opened.events, [{ kind: "repeated", hotkey: "A", count: 20 }]);
  assert.deepEqual(new Set(draws("B", 5)).size, 5);
  for (let n = 0; n < 60; n++) {
    opened.clock.now += 8 * hourMs; // the window is over
    const had = new Set<string>();
    for (let draw = 0; draw < 20; draw++) {
      for (let other = 0; other < (n * 7 + draw) % 5; other++) {
        prompts.draw(`another ${n} ${draw} ${other}`);
      }
      had.add(prompts.draw("A"));
    }
    assert.equal(had.size, 20, "wherever in a round it is, and whatever others drew meanwhile");
  }
  assert.equal(opened.events.length, 1);
});

test("a seed repeats a run, also over a restart; without one each data directory has its own", async (t) => {
  const list = fresh;
  const drawn = async (seed: string | undefined, restartAfter: number) => {
    const opened = await openPrompts(t, { list, seed });
    const taken: string[] = [];
    for (const count of [restartAfter, 40 - restartAfter]) {
      await using prompts = await opened.start();
      for (let n = 0; n < count; n++) {
        taken.push(prompts.draw(`miner ${n % 3}`));
      }
    }
    return taken;
  };
  const run = await drawn("1", 0);
  assert.deepEqual(await drawn("1", 17), run);
  assert.notDeepEqual(await drawn("2", 0), run);
  const own = await drawn(undefined, 20);
  assert.equal(new Set(own).size, 40, "a restart goes on where it was");
  assert.notDeepEqual(await drawn(undefined, 20), own);
});

test("the last good list is kept and used at the start while the service is away; before there is one, the file's", async (t) => {
  const server = await startService(t);
  const opened = await openPrompts(t, { service: service(server.url) });
  {
    server.answers((response) => response.writeHead(503).end());
    await using prompts = await opened.start();
    assert.match(prompts.draw("A"), /file's/);
    server.answers((response) => response.end(JSON.stringify({ prompts: fresh })));
    opened.clock.now += 15_000;
    await prompts.look();
    assert.match(prompts.draw("A"), /^fresh/);
  }
  server.answers((response) => response.destroy());
  opened.clock.now += 2 * hourMs;
  await using prompts = await opened.start();
  assert.equal(opened.events.at(-1)?.kind, "failed");
  assert.match(prompts.draw("A"), /^fresh/);
});

test("a start soon after a list was fetched asks for none", async (t) => {
  const server = await startService(t);
  const opened = await openPrompts(t, { service: service(server.url) });
  for (let n = 0; n < 3; n++) {
    await using prompts = await opened.start();
    assert.equal(prompts.count(), 1_000);
    opened.clock.now += 60_000;
  }
  assert.equal(server.asked.length, 1);
});

const bad: Readonly<Record<string, [(response: ServerResponse, url: string) => void, RegExp]>> = {
  "an error": [(response) => response.writeHead(500).end("no"), /^it answers 500$/],
  "a redirect": [
    (response, url) => response.writeHead(302, { location: `${url}/other` }).end(),
    /^it answers 302; redirects are not followed$/,
  ],
  "no JSON": [(response) => response.end("<html>"), /^its answer is no JSON$/],
  "other JSON": [(response) => response.end('["a"]'), /^its answer has no list "prompts"$/],
  "too few": [
    (response) => response.end(JSON.stringify({ prompts: [...fresh.slice(1), fresh[1], 7, " "] })),
    /^it gave 999 different prompts that can be used \(of 1002\); at least 1000 are needed$/,
  ],
  "without end": [
    (response) => {
      const more = (): void => {
        while (!response.destroyed && response.write("x".repeat(65_536))) {}
      };
      response.on("drain", more);
      more();
    },
    /^its answer has more than 4194304 bytes$/,
  ],
  "a part": [
    (response) => {
      response.writeHead(200, { "content-length": 1_000 }).write("{");
      setImmediate(() => response.destroy());
    },
    /^aborted$/,
  ],
  nothing: [(response) => response.destroy(), /socket hang up/],
};

test("a service that answers wrongly is refused with the reason, and drawing goes on", async (t) => {
  const server = await startService(t);
  for (const [name, [answer, reason]] of Object.entries(bad)) {
    server.asked.length = 0;
    server.answers((response) => answer(response, server.url));
    const { start, events } = await openPrompts(t, { service: service(server.url) });
    await using prompts = await start();
    const [event] = events;
    assert.ok(event?.kind === "failed", `${name}: ${event?.kind}`);
    assert.match(event.reason, reason, name);
    assert.equal(server.asked.length, 1, `${name}: asked once`);
    assert.match(prompts.draw("A"), /file's/);
  }
});

test("a service that hangs is left after its time, drawing goes on meanwhile, and it is asked ever more rarely", async (t) => {
  const server = await startService(t);
  server.answers((response) => response.write("{")); // and no more
  const hanging = { ...service(server.url), timeoutMs: 100 };
  const opened = await openPrompts(t, { service: hanging });
  await using prompts = await opened.start();
  const waits: number[] = [];
  for (let n = 0; n < 10; n++) {
    const event = opened.events.at(-1);
    assert.ok(event?.kind === "failed");
    assert.match(event.reason, /^no whole answer within 100 ms$/);
    waits.push(event.retryMs / 1_000);
    opened.clock.now += event.retryMs;
    const looking = prompts.look();
    assert.match(prompts.draw("A"), /file's/);
    await looking;
  }
  assert.deepEqual(waits, [15, 30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
});

test("what a miner was lent, of clients' tasks too, is read from the tasks", async () => {
  using opened = await openRules({ rules: { ...rules, organicCopies: 1 } });
  const { tasks } = opened;
  tasks.assign(opened.ask("a red cube"), "A", 5);
  tasks.assignSynthetic("a blue ball", "A", 7);
  tasks.assignSynthetic("a blue ball", "A", 9);
  tasks.assignSynthetic("a green cone", "B", 9);
  assert.deepEqual([...tasks.promptsLent("A")].toSorted(), [
    ["a blue ball", 9],
    ["a red cube", 5],
  ]);
  assert.equal(tasks.promptLentAt("A", "a blue ball"), 9);
  assert.equal(tasks.promptLentAt("A", "a green cone"), undefined);
});
