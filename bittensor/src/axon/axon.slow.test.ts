import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import {
  assertRefused,
  freshNonce,
  type Rig,
  startRig as startRigWith,
  submission,
} from "../../test/axon-rig.ts";
import { header, openRaw, readAnswer, sendRaw } from "../../test/raw-http.ts";
import { buildRequest } from "../../test/signed-request.ts";
import { type Keypair, keypairFromUri, ready } from "../keys/index.ts";
import { pullTask, submitResults } from "../synapse/index.ts";
import { AxonError, type AxonOptions, route, startAxonThreads } from "./index.ts";

const threads = startAxonThreads();
before(ready);
after(() => threads[Symbol.asyncDispose]());

const startRig = (options: Partial<AxonOptions> = {}): Promise<Rig> =>
  startRigWith({ threads, ...options });

describe("a successful call", () => {
  it("gets the whole synapse, with headers in the SDK's order and case", async () => {
    await using rig = await startRig();
    const answer = await rig.ask();
    assert.equal(answer.status, 200);
    const names = answer.headers.map(([name]) => name);
    assert.deepEqual(names.slice(0, 15), [
      "name",
      "timeout",
      "bt_header_axon_status_code",
      "bt_header_axon_status_message",
      "bt_header_axon_process_time",
      "bt_header_axon_ip",
      "bt_header_axon_port",
      "bt_header_axon_version",
      "bt_header_axon_nonce",
      "bt_header_axon_uuid",
      "bt_header_axon_hotkey",
      "bt_header_dendrite_ip",
      "bt_header_dendrite_version",
      "bt_header_dendrite_nonce",
      "bt_header_dendrite_uuid",
    ]);
    assert.equal(header(answer, "bt_header_axon_status_message"), "Success");
    const alice = keypairFromUri("//Alice").ss58;
    const body = JSON.parse(answer.body);
    assert.deepEqual(body.task, { type: "text", id: "1", prompt: `for ${alice}` });
    assert.equal(body.axon.status_code, 200);
    assert.equal(body.dendrite.hotkey, alice);
    assert.deepEqual(Object.keys(body).slice(0, 7), [
      "name",
      "timeout",
      "total_size",
      "header_size",
      "dendrite",
      "axon",
      "computed_body_hash",
    ]);
  });

  it("echoes 19-digit integers exactly and leaves out large and absent fields", async () => {
    await using rig = await startRig();
    const body =
      '{"results":"AAAA","submit_time":1714650000123456789,"signature":"c2ln","task":null}';
    const answer = await rig.ask({ ...submission, body });
    assert.equal(answer.status, 200);
    assert.match(answer.body, /"submit_time":1714650000123456789[,}]/);
    assert.match(answer.body, /"results":"","/);
    assert.ok(!answer.body.includes('"task"') && !answer.body.includes('"compression"'));
    assert.equal(header(answer, "bt_header_input_obj_results"), "IiI=");
    assert.equal(header(answer, "bt_header_input_obj_submit_time"), "MA==");
  });

  it("lets its handler ask whether the caller signed a text, in a thread, however many wait there", async () => {
    const asked: number[] = [];
    const told: boolean[] = [];
    await using rig = await startRig({
      threads: {
        ...threads,
        verifyAdmitted(job) {
          asked.push(job.message.length);
          return threads.verifyAdmitted(job);
        },
      },
      routes: [
        route(submitResults, {
          async handle({ hasSigned }) {
            const signature = keypairFromUri("//Alice").sign("a text");
            const wrapped = keypairFromUri("//Alice").sign("<Bytes>a text</Bytes>");
            told.push(
              ...(await Promise.all([
                hasSigned("a text", signature),
                hasSigned("a text", wrapped),
                hasSigned("another", signature),
                hasSigned("a text", signature.subarray(1)),
              ])),
            );
            return {};
          },
        }),
      ],
    });
    assert.equal((await rig.ask(submission)).status, 200);
    assert.deepEqual(told, [true, true, false, false]);
    assert.deepEqual(asked, [6, 6, 7], "what is no signature is not looked at");
  });

  it("has what clients of both protocol years need, and no end is null", async () => {
    const feedback = { validation_failed: false, task_fidelity_score: 0.75 };
    await using rig = await startRig({
      routes: [
        route(pullTask, {
          handle: () => ({ task: { type: "text", id: "1", prompt: "x" }, submit_before: 9 }),
        }),
        route(submitResults, {
          handle: () => ({
            feedback: {
              ...feedback,
              average_fidelity_score: 0.5,
              generations_within_8_hours: 3,
              generations_within_the_window: 3,
              current_duel_rating: 0,
              current_miner_reward: 1.5,
              verdict: undefined,
              reason: undefined,
            },
          }),
        }),
      ],
    });
    const nulls = '{"axon":null,"dendrite":null}';
    const unversioned = { headers: { bt_header_dendrite_version: undefined } };
    for (const caller of [{ version: "694" }, { version: "9000000" }, unversioned]) {
      const pulled = JSON.parse((await rig.ask({ ...caller, body: nulls })).body);
      assert.ok(pulled.axon !== null && pulled.dendrite !== null);
      assert.deepEqual([pulled.task.type, pulled.submit_before, pulled.version], ["text", 9, null]);
      for (const name of ["validation_threshold", "throttle_period", "cooldown_until"]) {
        assert.equal(typeof pulled[name], "number", name);
      }
      assert.equal(pulled.cooldown_violations, 0);
    }
    const submitted = JSON.parse((await rig.ask(submission)).body);
    for (const name of ["results", "signature"]) {
      assert.equal(submitted[name], "");
    }
    assert.equal(submitted.feedback.generations_within_8_hours, 3);
    assert.equal(submitted.feedback.generations_within_the_window, 3);
    assert.equal(submitted.feedback.current_duel_rating, 0);
    assert.ok(!("verdict" in submitted.feedback));
  });

  it("is pinged through the built-in class", async () => {
    await using rig = await startRig();
    assert.equal((await rig.ask({ synapse: "Synapse" })).status, 200);
    assert.equal(rig.events[0]?.verified, true);
  });

  it("of an old SDK finds the axon's signature and its hash list", async () => {
    await using rig = await startRig();
    const answer = await rig.ask({ version: "694", nonce: 86_400_123_456_789n });
    assert.equal(answer.status, 200);
    assert.match(header(answer, "bt_header_axon_signature") ?? "", /^0x[0-9a-f]{128}$/);
    assert.deepEqual(JSON.parse(answer.body).required_hash_fields, []);
  });
});

describe("a connection", () => {
  it("stays open for longer than Python's clients keep theirs, which is 15 s", async () => {
    await using rig = await startRig();
    const { head, body } = buildRequest({
      caller: keypairFromUri("//Alice"),
      axonHotkey: rig.axon.hotkey,
      synapse: "PullTask",
      nonce: freshNonce,
    });
    await using connection = await openRaw(rig.axon.port);
    const answer = await connection.send(head, body);
    // Node's own timer for it, as it tells the caller
    const [, seconds] = /^timeout=(\d+)$/.exec(header(answer, "Keep-Alive") ?? "") ?? [];
    assert.ok(Number(seconds) > 15, `${seconds} s`);
  });
});

describe("identity", () => {
  it("is refused without a right signature over exactly this request", async () => {
    await using rig = await startRig();
    const eve = keypairFromUri("//Eve");
    const mismatch = /^Not Verified with error: Signature mismatch with /;
    const absent = { bt_header_dendrite_signature: undefined };
    assertRefused(
      await rig.ask({ headers: absent }),
      401,
      "Not Verified with error: Missing Signature",
    );
    assertRefused(
      await rig.ask({ headers: { bt_header_dendrite_signature: "" } }),
      401,
      "Not Verified with error: Missing Signature",
    );
    assertRefused(await rig.ask({ axonHotkey: eve.ss58 }), 401, mismatch);
    assertRefused(
      await rig.ask({ headers: { bt_header_dendrite_hotkey: eve.ss58 } }),
      401,
      mismatch,
    );
    assertRefused(await rig.ask({ headers: { bt_header_dendrite_uuid: "x" } }), 401, mismatch);
    assertRefused(
      await rig.ask({ headers: { bt_header_dendrite_uuid: undefined } }),
      401,
      mismatch,
    );
    assertRefused(await rig.ask({ headers: { computed_body_hash: undefined } }), 401, mismatch);
    assertRefused(
      await rig.ask({ headers: { bt_header_dendrite_hotkey: undefined } }),
      401,
      "Not Verified with error: Missing Hotkey",
    );
    assertRefused(
      await rig.ask({ headers: { bt_header_dendrite_nonce: undefined } }),
      401,
      "Not Verified with error: Missing Nonce",
    );
    assertRefused(
      await rig.ask({ version: "694", headers: absent }),
      401,
      "Not Verified with error: Signature should be of type bytes or a hex-string",
    );
    assert.ok(rig.events.every((event) => !event.verified));
  });

  it("fault 12: is refused with an empty signature, whichever SDK the caller says it has", async () => {
    await using rig = await startRig();
    for (const version of ["694", "740", "9012002", undefined]) {
      for (const empty of ["", "0x"]) {
        const answer = await rig.ask({
          ...(version === undefined ? {} : { version }),
          headers: { bt_header_dendrite_signature: empty },
        });
        assert.equal(answer.status, 401, `${version} ${JSON.stringify(empty)}`);
      }
    }
    assert.ok(rig.events.every((event) => !event.verified));
  });

  it("fault 11: is the header's: a body that names another hotkey is refused", async () => {
    await using rig = await startRig();
    const eve = keypairFromUri("//Eve").ss58;
    assertRefused(
      await rig.ask({ body: `{"dendrite":{"hotkey":"${eve}"}}` }),
      401,
      /names another hotkey/,
    );
    const plain = await rig.ask({ body: "{}" });
    assert.equal(plain.status, 200);
    assert.equal(JSON.parse(plain.body).dendrite.hotkey, keypairFromUri("//Alice").ss58);
  });

  it("is checked after the blacklist and before the limits, and limits before the body", async () => {
    const steps: string[] = [];
    const step = (name: string) => (): undefined => {
      steps.push(name);
    };
    await using rig = await startRig({
      routes: [
        route(pullTask, {
          blacklist: step("blacklist"),
          admit: step("admit"),
          handle: () => {
            steps.push("handle");
            return {};
          },
        }),
      ],
    });
    await rig.ask({ headers: { bt_header_dendrite_signature: "0x00" }, body: "not json" });
    assert.deepEqual(steps.splice(0), ["blacklist"]);
    assert.equal((await rig.ask({ body: "not json" })).status, 422);
    assert.deepEqual(steps.splice(0), ["blacklist", "admit"]);
    assert.equal((await rig.ask()).status, 200);
    assert.deepEqual(steps, ["blacklist", "admit", "handle"]);
  });

  it("does not rest on what the body says of the status", async () => {
    await using rig = await startRig();
    const answer = await rig.ask({ body: '{"axon":{"status_code":418}}' });
    assert.equal(answer.status, 200);
    assert.equal(header(answer, "bt_header_axon_status_code"), "200");
  });
});

describe("refusals", () => {
  it("name a header that is missing before the caller is judged, and the likely cause", async () => {
    const blacklist = () => "Unrecognized hotkey";
    await using rig = await startRig({
      routes: [route(pullTask, { blacklist, handle: () => ({}) })],
    });
    const missing = /Missing Hotkey: the header bt_header_dendrite_hotkey did not arrive/;
    const one = { headers: { bt_header_dendrite_hotkey: undefined } };
    const answer = await rig.ask(one);
    assertRefused(answer, 401, missing);
    assert.doesNotMatch(answer.body, /proxy/);
    // What nginx leaves of a request.
    const head = `POST /${pullTask.name} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\nname: ${pullTask.name}\r\ntimeout: 12\r\n\r\n`;
    assertRefused(
      await sendRaw(rig.axon.port, head, "{}"),
      401,
      /nor any bt_header_; a proxy .*underscores_in_headers on/,
    );
  });

  it("use the subnet's words for strangers and limits", async () => {
    await using rig = await startRig({
      routes: [
        route(pullTask, { blacklist: () => "Unrecognized hotkey", handle: () => ({}) }),
        route(submitResults, { admit: () => "No task assigned", handle: () => ({}) }),
      ],
    });
    assertRefused(await rig.ask(), 403, "Forbidden. Key is blacklisted: Unrecognized hotkey.");
    assertRefused(
      await rig.ask(submission),
      403,
      "Forbidden. Key is blacklisted: No task assigned.",
    );
  });

  it("name the classes there are", async () => {
    await using rig = await startRig();
    assertRefused(
      await rig.ask({ synapse: "Nope" }),
      404,
      "Synapse name 'Nope' not found. Available synapses ['Synapse', 'PullTask', 'SubmitResults', 'StoreUser']",
    );
    assertRefused(await rig.ask({ path: "/pulltask" }), 404, /^Synapse name 'pulltask' not found/);
    assertRefused(await rig.ask({ path: "/" }), 404, /^Synapse name '' not found/);
    assertRefused(await rig.ask({ path: "/PullTask/extra" }), 404, "Not Found");
    assertRefused(await rig.ask({ path: "/__proto__" }), 404, /not found/);
    assertRefused(await rig.ask({ path: `/${"x".repeat(20_000)}` }), 404, /not found/);
    assertRefused(await rig.ask({ path: "/%E8%8C%B6%0d%0a" }), 404, /not found/);
  });

  it("keep to the methods and paths of the Python axon", async () => {
    await using rig = await startRig();
    assertRefused(await rig.ask({ method: "PUT" }), 405, "Method Not Allowed");
    assert.equal((await rig.ask({ method: "GET" })).status, 200);
    assert.equal((await rig.ask({ path: "/PullTask?x=1" })).status, 200);
    assert.equal((await rig.ask({ headers: { Expect: "something" } })).status, 200);
    const redirected = await rig.ask({ path: "/PullTask/" });
    assert.equal(redirected.status, 307);
    assert.equal(header(redirected, "location"), "/PullTask");
  });

  it("of unreadable headers depend on the caller's SDK family", async () => {
    await using rig = await startRig();
    const internal = /^Internal Server Error #[0-9a-f-]{36}$/;
    const abc = { bt_header_dendrite_nonce: "abc" };
    assertRefused(await rig.ask({ headers: abc }), 500, internal);
    assertRefused(
      await rig.ask({ headers: abc, version: "694" }),
      400,
      /^Improperly formatted request\. Could not parse headers \(bt_header_dendrite_nonce\) into synapse of type PullTask\.$/,
    );
    const { zeros, ...without } = submission;
    assertRefused(await rig.ask(without), 500, internal);
    assertRefused(
      await rig.ask({ ...submission, zeros: { ...zeros, submit_time: '"x"' } }),
      500,
      internal,
    );
    assertRefused(await rig.ask({ headers: { timeout: "soon" } }), 500, internal);
  });

  it("of broken bodies say what is wrong", async () => {
    await using rig = await startRig();
    assertRefused(await rig.ask({ body: '{"name": "Pull' }), 422, "The body is not JSON");
    assertRefused(await rig.ask({ body: "" }), 500, /^Internal Server Error #/);
    assertRefused(await rig.ask({ body: "[]" }), 500, /^Internal Server Error #/);
    assertRefused(await rig.ask({ body: "null" }), 500, /^Internal Server Error #/);
    const wrongType = await rig.ask({
      ...submission,
      fields: { ...submission.fields, submit_time: 1.5 },
    });
    assertRefused(wrongType, 500, /^Internal Server Error #/);
    assert.equal(JSON.parse(wrongType.body).detail, "submit_time: must be an integer");
    assertRefused(
      await rig.ask({ ...submission, fields: {}, version: "694" }),
      500,
      "Internal server error with error: results: is missing",
    );
    const notUtf8 = Buffer.from('{"task":{"prompt":"caf\xe9"}}', "latin1");
    assertRefused(await rig.ask({ body: notUtf8 }), 422, "The body is not JSON");
    for (const ends of ['{"axon":7}', '{"dendrite":"x"}', '{"dendrite":{"nonce":"soon"}}']) {
      assertRefused(await rig.ask({ body: ends }), 500, /^Internal Server Error #/);
    }
    assert.equal((await rig.ask({ body: '\ufeff{"axon":null,"dendrite":null}' })).status, 200);
    assertRefused(await rig.ask({ headers: { "Content-Type": "text/plain" } }), 500, /^Internal/);
    assertRefused(
      await rig.ask({
        headers: { "Content-Encoding": "gzip" },
        body: gzipSync('{"name":"PullTask"}'),
      }),
      415,
      "The body has Content-Encoding gzip; send it as it is, without one",
    );
    assert.equal((await rig.ask({ headers: { "Content-Encoding": "identity" } })).status, 200);
    assertRefused(
      await rig.ask({ headers: { "Content-Type": "text/plain" }, version: "694" }),
      422,
      /not application\/json/,
    );
  });

  it("of bodies that are not the signed ones", async () => {
    await using rig = await startRig();
    const store = {
      synapse: "StoreUser",
      zeros: { encrypted_data: '""', encryption_payload: '""' },
      hash: "c4f1647693a8993e1f22a1a44a42dceacbff3a4d07113cff1ae35db28e8bb3d4",
    };
    const fields = { encrypted_data: "aGVsbG8=", encryption_payload: "{}" };
    assert.equal((await rig.ask({ ...store, fields })).status, 200);
    const changed = await rig.ask({
      ...store,
      // An old axon would skip the check for this list
      fields: { ...fields, encrypted_data: "aGVsbG8h", required_hash_fields: [] },
    });
    assertRefused(changed, 500, /^Internal Server Error #/);
    assert.match(JSON.parse(changed.body).detail, /^Hash mismatch between header body hash c4f1/);
  });

  it("of handlers keep their status; other faults show an id only", async () => {
    await using rig = await startRig({
      routes: [
        route(pullTask, {
          handle: async () => {
            throw new Error("secret detail");
          },
        }),
        route(submitResults, {
          handle: () => {
            throw new AxonError(503, "tâche\r\nx: y");
          },
        }),
      ],
    });
    const fault = await rig.ask();
    assertRefused(fault, 500, /^Internal Server Error #[0-9a-f-]{36}$/);
    assert.ok(!fault.body.includes("secret"));
    const [event] = rig.events;
    assert.match(String(event?.error), /secret detail/);
    assert.ok(fault.body.includes(event?.errorId ?? "none"));
    const busy = await rig.ask(submission);
    assert.equal(busy.status, 503);
    assert.equal(header(busy, "bt_header_axon_status_message"), "t?che x: y");
    assert.equal(header(busy, "x"), undefined);
  });
});

describe("limits", () => {
  it("answer a known caller's oversized body with 413 without keeping it", async () => {
    await using rig = await startRig();
    await rig.ask();
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    const sizeBytes = 200 << 20;
    const { head } = buildRequest({
      caller: keypairFromUri("//Alice"),
      axonHotkey: rig.axon.hotkey,
      ...submission,
      nonce: freshNonce + 9n,
      headers: { "Content-Length": String(sizeBytes) },
    });
    await using connection = await openRaw(rig.axon.port);
    const answer = readAnswer(connection.socket);
    connection.socket.write(head);
    const chunk = Buffer.alloc(1 << 20, "A");
    for (let sent = 0; sent < sizeBytes; sent += chunk.length) {
      if (!connection.socket.write(chunk)) {
        await once(connection.socket, "drain");
      }
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
    assertRefused(await answer, 413, `The body exceeds the limit of ${128 << 20} bytes`);
    assert.ok(most < 128 << 20, `${most} bytes were held`);
  });

  it("count the bytes of chunked bodies too, and the connection lives on", async () => {
    await using rig = await startRig();
    const chunked = (nonce: bigint, body: Buffer) => {
      const { head } = buildRequest({
        caller: keypairFromUri("//Alice"),
        axonHotkey: rig.axon.hotkey,
        synapse: "PullTask",
        nonce,
        headers: { "Content-Length": undefined, "Transfer-Encoding": "chunked" },
      });
      const size = Buffer.from(`${body.length.toString(16)}\r\n`);
      return { head, body: Buffer.concat([size, body, Buffer.from("\r\n0\r\n\r\n")]) };
    };
    await using connection = await openRaw(rig.axon.port);
    const large = chunked(freshNonce, Buffer.alloc(2 << 20, " "));
    assertRefused(await connection.send(large.head, large.body), 413, /^The body exceeds/);
    const small = chunked(freshNonce + 1n, Buffer.from("{}"));
    assert.equal((await connection.send(small.head, small.body)).status, 200);
  });

  it("drain the body of a refused caller, who then sees the answer", async () => {
    await using rig = await startRig({
      routes: [route(submitResults, { blacklist: () => "no", handle: () => ({}) })],
    });
    await using connection = await openRaw(rig.axon.port);
    const request = (nonce: bigint) =>
      buildRequest({
        caller: keypairFromUri("//Alice"),
        axonHotkey: rig.axon.hotkey,
        ...submission,
        nonce,
        body: Buffer.alloc(10 << 20, " "),
      });
    for (const nonce of [freshNonce, freshNonce + 1n]) {
      const { head, body } = request(nonce);
      assertRefused(await connection.send(head, body), 403, /blacklisted: no/);
    }
  });

  it("hold all bodies in progress to one budget", async () => {
    const entered = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    await using rig = await startRig({
      limits: { bodiesBytes: 1_500_000 },
      routes: [
        route(submitResults, {
          handle: async () => {
            entered.resolve();
            await release.promise;
            return {};
          },
        }),
      ],
    });
    const fields = { ...submission.fields, results: "A".repeat(1_000_000) };
    const first = rig.ask({ ...submission, fields });
    await entered.promise;
    const caller = keypairFromUri("//Eve");
    const busy = await rig.ask({ ...submission, fields, caller });
    assertRefused(busy, 503, /^Too many large requests/);
    assertRefused(await rig.ask({ ...submission, fields }), 503, /^Another large request of this/);
    // Small ones need no budget
    const small = rig.ask({ ...submission, caller });
    release.resolve();
    assert.equal((await first).status, 200);
    assert.equal((await small).status, 200);
    assert.equal((await rig.ask({ ...submission, fields })).status, 200);
  });

  it("answer what is not HTTP, and headers without end, with JSON", async () => {
    await using rig = await startRig();
    assertRefused(
      await sendRaw(rig.axon.port, "GARBAGE\r\n\r\n", ""),
      400,
      "The request is not HTTP/1.1",
    );
    assertRefused(await rig.ask({ headers: { x: "y".repeat(40_000) } }), 431, /exceed 32768 bytes/);
  });

  it("give up on a body that stops coming", async () => {
    await using rig = await startRig({ limits: { bodyGraceMs: 50 } });
    const { head } = buildRequest({
      caller: keypairFromUri("//Alice"),
      axonHotkey: rig.axon.hotkey,
      synapse: "PullTask",
      nonce: freshNonce,
      headers: { "Content-Length": "100" },
    });
    assertRefused(await sendRaw(rig.axon.port, head, "{"), 408, "The body came in too slowly");
  });
});

describe("shutdown", () => {
  it("lets calls in progress end, and takes no new ones", async () => {
    const entered = Promise.withResolvers<AbortSignal>();
    const release = Promise.withResolvers<void>();
    const rig = await startRig({
      routes: [
        route(pullTask, {
          handle: async ({ signal }) => {
            entered.resolve(signal);
            await release.promise;
            return {};
          },
        }),
      ],
    });
    const asked = rig.ask();
    const signal = await entered.promise;
    const stopped = rig.axon[Symbol.asyncDispose]();
    await assert.rejects(rig.ask(), /ECONNREFUSED/);
    assert.ok(!signal.aborted);
    release.resolve();
    assert.equal((await asked).status, 200);
    await stopped;
  });

  it("tells handlers when the caller has gone", async () => {
    const entered = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    await using rig = await startRig({
      routes: [
        route(pullTask, {
          handle: async ({ signal }) => {
            signal.addEventListener("abort", () => gone.resolve());
            entered.resolve();
            await gone.promise;
            return {};
          },
        }),
      ],
    });
    const { head, body } = buildRequest({
      caller: keypairFromUri("//Alice"),
      axonHotkey: rig.axon.hotkey,
      synapse: "PullTask",
      nonce: freshNonce,
    });
    const connection = await openRaw(rig.axon.port);
    connection.socket.write(Buffer.concat([Buffer.from(head), body]));
    await entered.promise;
    await connection[Symbol.asyncDispose]();
    await gone.promise;
  });

  it("several axons with their own hotkeys live in one process", async () => {
    const hotkeys: readonly Keypair[] = [keypairFromUri("//Bob"), keypairFromUri("//Charlie")];
    await using stack = new AsyncDisposableStack();
    for (const hotkey of hotkeys) {
      const rig = stack.use(await startRig({ hotkey }));
      assert.equal((await rig.ask({ axonHotkey: hotkey.ss58 })).status, 200);
    }
  });
});
