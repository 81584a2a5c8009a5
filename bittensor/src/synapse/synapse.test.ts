import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import fc from "fast-check";
import { keypairFromUri, ready, verifySignature } from "../keys/index.ts";
import { FieldError, type FieldType } from "./field.ts";
import {
  bigint,
  bodyHash,
  bool,
  ConsentTextError,
  completeFields,
  defineSynapse,
  findSubmissionYear,
  float,
  HeaderError,
  int,
  type Json,
  list,
  loadConsentText,
  model,
  nullable,
  parseJson,
  parseSynapse,
  parseTerminal,
  pullTask,
  required,
  retrieveUser,
  sdkVersionNumber,
  signSubmission,
  storeUser,
  str,
  stringifyJson,
  submitResults,
  terminal,
  terminalHeaders,
  verifySubmission,
} from "./index.ts";
import { pythonFloat, pythonRepr } from "./python.ts";

before(ready);

describe("JSON", () => {
  it("keeps 64-bit integers exactly, in both directions", () => {
    const text = '{"submit_time":1714650000123456789,"small":7,"list":[-9223372036854775808,1.5]}';
    const parsed = parseJson(text);
    assert.deepEqual(parsed, {
      submit_time: 1_714_650_000_123_456_789n,
      small: 7,
      list: [-9_223_372_036_854_775_808n, 1.5],
    });
    assert.equal(stringifyJson(parsed), text);
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }), (integer) => {
        const back = parseJson(stringifyJson({ integer })) as { readonly integer: Json };
        assert.equal(BigInt(back.integer as bigint), integer);
      }),
    );
  });

  it("does not choke on digits without end", () => {
    assert.equal(parseJson("9".repeat(1_000_000)), Number.POSITIVE_INFINITY);
  });
});

describe("Python's texts", () => {
  it("of floats", () => {
    const expected: readonly (readonly [number, string])[] = [
      [12, "12.0"],
      [0.5, "0.5"],
      [1_234_567.25, "1234567.25"],
      [1e-5, "1e-05"],
      [0.0001, "0.0001"],
      [1e16, "1e+16"],
      [1e15, "1000000000000000.0"],
      [123_456_789_012_345_680, "1.2345678901234568e+17"],
      [-0, "-0.0"],
      [-2.5e-7, "-2.5e-07"],
      [1e100, "1e+100"],
      [Number.NaN, "nan"],
      [Number.NEGATIVE_INFINITY, "-inf"],
    ];
    for (const [value, text] of expected) {
      assert.equal(pythonFloat(value), text);
    }
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        assert.equal(Number(pythonFloat(value)), value);
      }),
    );
  });

  it("of everything else", () => {
    assert.equal(
      pythonRepr({ k: [null, true, 1, 1.5, "it's", 'a"b', "a'\"", "\n\u200b茶\u{1f375}"] }),
      `{'k': [None, True, 1, 1.5, "it's", 'a"b', 'a\\'"', '\\n\\u200b茶🍵']}`,
    );
  });
});

describe("fields", () => {
  const reads = <T>(type: FieldType<T>, value: Json): T => type.read(value, "field");
  const refuses = (type: FieldType<unknown>, value: Json): void => {
    assert.throws(() => type.read(value, "field"), FieldError);
  };

  it("read what pydantic reads, and refuse what would lose something", () => {
    assert.equal(reads(bigint, 1.7e18), 1_700_000_000_000_000_000n);
    assert.equal(reads(bigint, "1714650000123456789"), 1_714_650_000_123_456_789n);
    assert.equal(reads(int, 12.0), 12);
    assert.equal(reads(int, "12.0"), 12);
    assert.equal(reads(float, 12), 12);
    assert.equal(reads(float, "1e3"), 1000);
    assert.equal(reads(bool, "true"), true);
    assert.equal(reads(bool, 0), false);
    for (const value of [1.5, "1.5", "x", null, true, [], {}, "", Number.POSITIVE_INFINITY]) {
      refuses(bigint, value);
    }
    refuses(int, 2n ** 53n);
    refuses(bigint, 2n ** 65n);
    refuses(float, "nan?");
    refuses(bool, 2);
    refuses(str, 5);
  });

  it("take defaults, and name what is missing by its path", () => {
    const empty = parseSynapse(pullTask, {});
    assert.equal(empty.task, null);
    assert.equal(empty.validation_threshold, 0.6);
    assert.throws(
      () => parseSynapse(submitResults, { results: "", submit_time: 1 }),
      /^FieldError: signature: is missing$/,
    );
    assert.throws(
      () => parseSynapse(pullTask, { version: { major: 1, minor: "x" } }),
      /^FieldError: version\.minor: must be an integer$/,
    );
    assert.throws(() => parseSynapse(pullTask, { task: [] }), /task: must be an object/);
  });

  it("that only some protocol years have are left out when there is no value", () => {
    const sent = completeFields(submitResults, { results: "", submit_time: 1n, signature: "" });
    const text = stringifyJson({ ...sent } as { readonly [name: string]: Json | undefined });
    for (const name of ["task", "task_id", "data_format", "data_ver", "compression"]) {
      assert.ok(!text.includes(`"${name}"`));
    }
    const nulls = { task: null, data_format: null, compression: null };
    const read = parseSynapse(submitResults, {
      results: "",
      submit_time: 1,
      signature: "",
      ...nulls,
    });
    assert.deepEqual(
      [read.task, read.data_format, read.compression],
      [undefined, undefined, undefined],
    );
  });

  it("never come from the prototype", () => {
    assert.throws(
      () =>
        parseSynapse(
          retrieveUser,
          parseJson('{"__proto__":{"data_hash":"x"}}') as { readonly [key: string]: Json },
        ),
      FieldError,
    );
  });
});

describe("the body hash", () => {
  it("covers the storage classes' fields, in their order", () => {
    const body = { encrypted_data: "aGVsbG8=", encryption_payload: "{}" };
    assert.equal(
      bodyHash(storeUser, parseSynapse(storeUser, body)),
      "c4f1647693a8993e1f22a1a44a42dceacbff3a4d07113cff1ae35db28e8bb3d4",
    );
  });

  it("writes numbers by their type, in lists and nested models too", () => {
    const fields = {
      scores: required(list(float)),
      counts: required(list(int)),
      task: required(model({ id: required(str), share: required(nullable(float)) })),
      note: required(nullable(str)),
    };
    const synapse = defineSynapse("Typed", fields, { hashed: Object.keys(fields) });
    const body = {
      scores: [1, 0.5, 3],
      counts: [1, 2],
      task: { id: "it's", share: 2 },
      note: null,
    };
    // Python's str() of each
    const texts = ["[1.0, 0.5, 3.0]", "[1, 2]", `{'id': "it's", 'share': 2.0}`, "None"];
    const hash = (text: string): string => createHash("sha3-256").update(text).digest("hex");
    assert.equal(
      bodyHash(synapse, parseSynapse(synapse, body)),
      hash(texts.map((text) => hash(text)).join("")),
    );
  });

  it("goes by the class, never by the list that a body brings", () => {
    const body = { encrypted_data: "a", encryption_payload: "b", required_hash_fields: [] };
    const other = { ...body, required_hash_fields: ["encrypted_data", "encryption_payload"] };
    assert.equal(
      bodyHash(storeUser, parseSynapse(storeUser, body)),
      bodyHash(storeUser, parseSynapse(storeUser, other)),
    );
  });
});

describe("SDK versions", () => {
  it("share numbers before 7.2, so only the threshold tells the SDK families apart", () => {
    assert.equal(sdkVersionNumber("6.9.4"), 694);
    assert.equal(sdkVersionNumber("6.10.0"), 700);
    assert.equal(sdkVersionNumber("7.0.0"), 700);
    assert.equal(sdkVersionNumber("7.2.0"), 7_002_000);
    assert.equal(sdkVersionNumber("10.5.0"), 10_005_000);
    for (const text of ["", "9", "9.9", "9.9.0rc1", "v9.9.0"]) {
      assert.throws(() => sdkVersionNumber(text), RangeError);
    }
  });
});

describe("the ends of a call", () => {
  it("read back what they write", () => {
    const end = terminal({
      status_code: 200,
      process_time: 0.25,
      nonce: 1_795_418_766_886_218_632n,
      hotkey: "5x",
    });
    const headers = Object.fromEntries(terminalHeaders("dendrite", end));
    assert.equal(headers.bt_header_dendrite_nonce, "1795418766886218632");
    assert.deepEqual(parseTerminal("dendrite", headers), end);
    assert.throws(
      () => parseTerminal("dendrite", { bt_header_dendrite_nonce: "abc" }),
      (error) => error instanceof HeaderError && error.header === "bt_header_dendrite_nonce",
    );
  });
});

describe("a submission's signature", () => {
  const miner = () => keypairFromUri("//Alice");
  const facts = { submitTime: 1_714_650_000_123_456_789n, prompt: "naïve", validatorHotkey: "5V" };

  it("is recognised by protocol year", () => {
    const whole = { ...facts, minerHotkey: miner().ss58 };
    const older = signSubmission(miner(), facts);
    const newer = signSubmission(miner(), facts, "I agree. ");
    assert.equal(verifySubmission(whole, older, "I agree. "), "2024");
    assert.equal(verifySubmission(whole, newer, "I agree. "), "2025");
    assert.equal(verifySubmission(whole, newer), undefined);
    assert.equal(verifySubmission(whole, newer, "I disagree. "), undefined);
    assert.equal(verifySubmission({ ...whole, prompt: "naive" }, older), undefined);
    assert.equal(
      verifySubmission({ ...whole, submitTime: 1_714_650_000_123_456_800n }, older),
      undefined,
    );
    assert.equal(verifySubmission(whole, ""), undefined);
    assert.equal(verifySubmission(whole, `${older}\n`), undefined);
  });

  it("is found by whoever else verifies, the newest text first", async () => {
    const whole = { ...facts, minerHotkey: miner().ss58 };
    const find = async (signature: string, consent?: string) => {
      const tried: string[] = [];
      const year = await findSubmissionYear(whole, signature, consent, async (text, bytes) => {
        tried.push(text.slice(0, 7));
        return verifySignature(text, bytes, miner().ss58);
      });
      return [year, tried.length];
    };
    const older = signSubmission(miner(), facts);
    assert.deepEqual(await find(signSubmission(miner(), facts, "I agree. "), "I agree. "), [
      "2025",
      1,
    ]);
    assert.deepEqual(await find(older, "I agree. "), ["2024", 2]);
    assert.deepEqual(await find(older), ["2024", 1]);
    assert.deepEqual(await find(Buffer.alloc(64).toString("base64")), [undefined, 1]);
    assert.deepEqual(await find("no base64"), [undefined, 0]);
  });

  it("needs the subnet's own consent text, byte for byte", async () => {
    const path = join(await mkdtemp(join(tmpdir(), "consent-")), "consent.txt");
    await writeFile(path, "I agree.\n");
    await assert.rejects(loadConsentText(path), ConsentTextError);
    const sha256 = createHash("sha256").update("I agree.\n").digest("hex");
    assert.equal(await loadConsentText(path, sha256), "I agree.\n");
  });
});
