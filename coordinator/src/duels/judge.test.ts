/** The judge against a real HTTP server that answers as OpenAI-compatible ones do, and as they should not. */
import assert from "node:assert/strict";
import { once } from "node:events";
import {
  createServer,
  type IncomingHttpHeaders,
  type RequestListener,
  type ServerResponse,
} from "node:http";
import { test } from "node:test";
import { completion, startEndpoint } from "../../test/judge.ts";
import { createJudge, type JudgeOptions } from "./index.ts";
import { JudgeError } from "./judge.ts";

const first = Buffer.from("the first picture");
const second = Buffer.from("the second picture");
const key = "sk-a-key-that-nobody-may-see";

async function open(answer: RequestListener, change: Partial<JudgeOptions> = {}) {
  const endpoint = await startEndpoint(answer);
  const judge = createJudge({
    ...{ url: `${endpoint.url}/v1/`, model: "vision-1", apiKey: key },
    ...{ timeoutMs: 5_000, maxTokens: 9, ...change },
  });
  return {
    ask: (signal = new AbortController().signal) =>
      judge.compare('a "red" cube', { first, second }, signal),
    [Symbol.asyncDispose]: () => endpoint[Symbol.asyncDispose](),
  };
}

const failsAs = (code: JudgeError["code"], text: RegExp) => (error: unknown) => {
  assert.ok(error instanceof JudgeError, String(error));
  assert.equal(error.code, code, error.message);
  assert.match(error.message, text);
  assert.ok(!error.message.includes(key));
  return true;
};

test("the question has the prompt and both pictures in their order, with the key and the limit of tokens", async () => {
  let asked: { headers: IncomingHttpHeaders; url: string | undefined; body: string } | undefined;
  await using endpoint = await open(async (request, response) => {
    const chunks = await request.toArray();
    asked = {
      headers: request.headers,
      url: request.url,
      body: Buffer.concat(chunks).toString(),
    };
    completion(response, "FIRST");
  });
  assert.equal(await endpoint.ask(), "first");
  assert.equal(asked?.url, "/v1/chat/completions");
  assert.equal(asked.headers.authorization, `Bearer ${key}`);
  const body = JSON.parse(asked.body);
  assert.deepEqual([body.model, body.max_tokens, body.temperature], ["vision-1", 9, 0]);
  const parts: { text?: string; image_url?: { url: string } }[] = body.messages[1].content;
  assert.match(parts[0]?.text ?? "", /a \\"red\\" cube/);
  assert.deepEqual(
    parts.flatMap(({ image_url }) => image_url?.url ?? []),
    [first, second].map((bytes) => `data:image/jpeg;base64,${bytes.toString("base64")}`),
  );
});

for (const [content, judgement] of [
  ["SECOND", "second"],
  [" **Draw.**\n", "draw"],
  ["The first has better colours,\nbut it is flat.\n\nSECOND", "second"],
] as const) {
  test(`an answer is read: ${JSON.stringify(content)}`, async () => {
    await using endpoint = await open((_, response) => completion(response, content));
    assert.equal(await endpoint.ask(), judgement);
  });
}

const json = (value: unknown) => (response: ServerResponse) =>
  void response.setHeader("content-type", "application/json").end(JSON.stringify(value));
const status = (code: number) => (response: ServerResponse) =>
  void response.writeHead(code).end(`no, ${key} is no key`);

for (const [what, answer, code, text] of [
  ["two words", (r: ServerResponse) => completion(r, "FIRST or SECOND"), "unusable", /none of/],
  ["nothing", (r: ServerResponse) => completion(r, ""), "unusable", /none of/],
  ["no choice", json({ choices: [] }), "unusable", /no chat completion/],
  ["rubbish", (r: ServerResponse) => void r.end("<html>"), "unusable", /no chat completion/],
  ["a refused question", status(400), "unusable", /status 400/],
  [
    "a refused setting",
    (r: ServerResponse) =>
      void r.writeHead(400).end(JSON.stringify({ error: { message: `no max_tokens, ${key}` } })),
    "unusable",
    /status 400: no max_tokens, …$/,
  ],
  ["a wrong key", status(401), "away", /status 401/],
  ["too many requests", status(429), "away", /status 429/],
  ["a fault", status(500), "away", /status 500/],
  ["a cut", (r: ServerResponse) => void r.destroy(), "away", /cannot be asked/],
] as const) {
  test(`${what} is no judgement, and shows no key`, async () => {
    await using endpoint = await open((_, response) => answer(response));
    await assert.rejects(endpoint.ask(), failsAs(code, text));
  });
}

test("a redirect is not followed: the key is for this server alone", async () => {
  await using endpoint = await open((_, response) =>
    response.writeHead(307, { location: "http://127.0.0.1:1/" }).end(),
  );
  await assert.rejects(endpoint.ask(), failsAs("away", /redirect/));
});

test("a huge answer is broken off", async () => {
  let wasCut: Promise<unknown> | undefined;
  await using endpoint = await open((_, response) => {
    wasCut = once(response, "close");
    const more = (): void => {
      while (!response.destroyed && response.write("x".repeat(65_536))) {}
    };
    response.on("drain", more);
    more();
  });
  await assert.rejects(endpoint.ask(), failsAs("unusable", /over 262144 bytes/));
  await wasCut;
});

test("an answer that does not come, or does not end, is waited for no longer than allowed", async () => {
  const silent: RequestListener = () => {};
  const endless: RequestListener = (_, response) => void response.write("{");
  for (const answer of [silent, endless]) {
    await using endpoint = await open(answer, { timeoutMs: 100 });
    await assert.rejects(endpoint.ask(), failsAs("away", /no answer in 100 ms/));
  }
});

test("a stop breaks a question off, with its reason", async () => {
  const stopping = new AbortController();
  await using endpoint = await open(() => stopping.abort(new Error("we stop")));
  await assert.rejects(endpoint.ask(stopping.signal), /we stop/);
});

test("a judge that nobody is, is away", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  const port = typeof address === "object" ? address?.port : 0;
  const judge = createJudge({
    ...{ url: `http://127.0.0.1:${port}`, model: "", apiKey: undefined },
    ...{ timeoutMs: 5_000, maxTokens: 9 },
  });
  await assert.rejects(
    judge.compare("a cube", { first, second }, new AbortController().signal),
    failsAs("away", /ECONNREFUSED/),
  );
});
