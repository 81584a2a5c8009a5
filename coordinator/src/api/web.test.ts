/** The API over plain HTTP, beside what every RPC has in common over every transport: curl, pages, its description. */
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { once } from "node:events";
import { request } from "node:http";
import { json } from "node:stream/consumers";
import { test } from "node:test";
import { promisify } from "node:util";
import { openApi } from "../../test/api.ts";
import { maxWebBodyBytes } from "./index.ts";

const ann = "0123456789abcdef";
const keyFile = `ann ${ann}`;

const hasCurl = spawnSync("curl", ["--version"]).status === 0;

test("curl makes a task with plain JSON, and is told in JSON what is wrong", {
  skip: hasCurl ? false : "there is no curl",
}, async () => {
  await using opened = await openApi({ keyFile });
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

test("who says that its body is too long is refused before a byte of it, first for who it is", async () => {
  await using opened = await openApi({ keyFile });
  const url = `${opened.http.url}/turntable.v1.GenerationService/CreateTask`;
  const answerTo = async (headers: Readonly<Record<string, string>>) => {
    const length = { "content-length": maxWebBodyBytes + 1 };
    const type = { "content-type": "application/json" };
    const asked = request(url, { method: "POST", headers: { ...headers, ...length, ...type } });
    asked.flushHeaders();
    const [response] = await once(asked, "response");
    const answer = await json(response);
    asked.destroy();
    return [response.statusCode, answer];
  };
  const [status, { code }] = await answerTo({});
  assert.deepEqual([status, code], [401, "unauthenticated"]);
  assert.deepEqual(await answerTo({ authorization: `Bearer ${ann}` }), [
    429,
    { code: "resource_exhausted", message: "the request is longer than 4194304 bytes" },
  ]);
});

test("pages of allowed origins may call, and no others", async () => {
  await using opened = await openApi({ keyFile, corsOrigins: ["https://example.com"] });
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
  await using opened = await openApi({ keyFile });
  const document = await (await fetch(`${opened.http.url}/openapi.json`)).text();
  for (const path of opened.api.web.keys()) {
    assert.match(document, new RegExp(`"${path}":{"post":{`));
  }
  assert.match(document, /"description":"Queues a task\. Repeating the call/);
});
