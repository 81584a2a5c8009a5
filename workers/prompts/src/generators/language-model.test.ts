import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { createLanguageModelSource, SourceError } from "./index.ts";

const never = new AbortController().signal;

/** An endpoint that gives these answers, one a request, and what it was asked. */
async function startModel(
  t: TestContext,
  answers: readonly ((response: ServerResponse) => void)[],
) {
  const asked: { readonly url: string; readonly key: string; readonly body: unknown }[] = [];
  const server = createServer(async (request, response) => {
    const body: unknown = JSON.parse(Buffer.concat(await request.toArray()).toString());
    asked.push({ url: request.url ?? "", key: request.headers.authorization ?? "", body });
    answers[asked.length - 1]?.(response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo; // it listens on a port
  return { url: `http://127.0.0.1:${port}/v1`, asked };
}

const answer =
  (status: number, text: string, headers = {}) =>
  (response: ServerResponse) => {
    response.writeHead(status, headers).end(text);
  };
const completion = (content: string): string =>
  JSON.stringify({ choices: [{ message: { role: "assistant", content } }] });
const settings = { model: "m", apiKey: "secret", firstPauseMs: 1, random: () => 0.5 };

test("a model is asked again while it fails, and its lines are drafts", async (t) => {
  const { url, asked } = await startModel(t, [
    answer(429, "slow down", { "retry-after": "0" }),
    answer(200, "no JSON"),
    (response) => response.destroy(),
    answer(200, completion("Here are some:\n1. A red chair\n\n2. A blue lamp\n")),
  ]);
  const source = createLanguageModelSource({ ...settings, url });
  const drafts = await source.draw("furniture", never);
  assert.deepEqual(drafts, [
    { text: "1. A red chair", category: "furniture" },
    { text: "2. A blue lamp", category: "furniture" },
  ]);
  assert.equal(asked.length, 4);
  assert.deepEqual([asked[0]?.url, asked[0]?.key], ["/v1/chat/completions", "Bearer secret"]);
  assert.match(JSON.stringify(asked[0]?.body), /"model":"m".*about furniture.*"temperature":0.95/);
});

test("what will not pass is not tried again, and what does not pass ends", async (t) => {
  const refusing = await startModel(t, [answer(401, "who are you")]);
  await assert.rejects(
    createLanguageModelSource({ ...settings, url: refusing.url }).draw("toys", never),
    (error) =>
      error instanceof SourceError && /answered 401: who are you \(try 1\)/.test(error.message),
  );
  const failing = await startModel(t, new Array(9).fill(answer(503, "busy")));
  await assert.rejects(
    createLanguageModelSource({ ...settings, url: failing.url }).draw("toys", never),
    /answered 503: busy \(try 4\)/,
  );
  assert.equal(failing.asked.length, 4);
  const silent = await startModel(t, []);
  await assert.rejects(
    createLanguageModelSource({ ...settings, url: silent.url, timeoutMs: 10 }).draw("toys", never),
    /no answer in time/,
  );
  await assert.rejects(
    createLanguageModelSource({ ...settings, url: silent.url }).draw(
      "toys",
      AbortSignal.abort(new Error("stop")),
    ),
    /stop/,
  );
});
