import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, describe, it } from "node:test";
import { readVectors, skip, vectorPath } from "../../test/vectors.ts";
import { ready, verifySignature } from "../keys/index.ts";
import {
  anyJson,
  bodyHash,
  bool,
  defineSynapse,
  type Field,
  type FieldType,
  float,
  int,
  type Json,
  list,
  model,
  parseSynapse,
  required,
  sdkVersionNumber,
  str,
  verifySubmission,
} from "./index.ts";
import { parseJson } from "./json.ts";

before(ready);

describe("body-hashes.json", { skip }, () => {
  interface BodyHashes {
    sha3_256_empty: string;
    cases: {
      name: string;
      required: string[];
      fields: Record<string, Json>;
      hash: string;
    }[];
  }
  /** Python knows a field's type; here the number's token tells float from int, however deep it lies. */
  const typed = (text: string): unknown =>
    JSON.parse(text, (_key, value: unknown, { source }) =>
      typeof value === "number" ? (/[.eE]/.test(source ?? "") ? float : anyJson) : value,
    );
  const typeOf = (shape: unknown): FieldType<unknown> => {
    if (shape === float || shape === anyJson) {
      return shape as FieldType<unknown>;
    }
    if (Array.isArray(shape)) {
      return tuple(shape.map(typeOf));
    }
    return typeof shape === "object" && shape !== null
      ? (model(fieldsOf(shape)) as FieldType<unknown>)
      : (anyJson as FieldType<unknown>);
  };
  const fieldsOf = (shape: object): Record<string, Field<unknown>> =>
    Object.fromEntries(Object.entries(shape).map(([name, of]) => [name, required(typeOf(of))]));
  /** A list whose entries differ in type, which no class of ours has. */
  const tuple = (types: readonly FieldType<unknown>[]): FieldType<unknown> => ({
    read: (value) => value,
    pythonRepr: (value) =>
      `[${types.map((type, index) => type.pythonRepr((value as unknown[])[index])).join(", ")}]`,
    zeroText: () => "[]",
  });

  it("hashes are those of Python", () => {
    const text = readFileSync(vectorPath("body-hashes.json"), "utf8");
    const vectors = parseJson(text) as unknown as BodyHashes;
    const shapes = typed(text) as BodyHashes;
    assert.equal(bodyHash(defineSynapse("Empty", {}), {}), vectors.sha3_256_empty);
    for (const [index, entry] of vectors.cases.entries()) {
      const fields = fieldsOf(shapes.cases[index]?.fields ?? {});
      const synapse = defineSynapse("Case", fields, { hashed: entry.required });
      assert.equal(bodyHash(synapse, parseSynapse(synapse, entry.fields)), entry.hash, entry.name);
    }
  });
});

describe("header-sets.json: zero values", { skip }, () => {
  it("are the base64 of JSON's zeros", () => {
    const { input_obj_zero_values: zeros } = readVectors<{
      input_obj_zero_values: Record<string, string>;
    }>("header-sets.json");
    const known: Record<string, string | undefined> = {
      str: str.zeroText("x"),
      int: int.zeroText(5),
      float: float.zeroText(5),
      bool: bool.zeroText(true),
      list: list(str).zeroText(["x"]),
      dict_or_nested_model: model({}).zeroText({}),
    };
    for (const [type, zero] of Object.entries(zeros)) {
      assert.equal(Buffer.from(known[type] ?? "").toString("base64"), zero, type);
    }
  });
});

describe("ip-version.json: versions", { skip }, () => {
  it("have the numbers of both schemes", () => {
    interface Versions {
      version_old_scheme: { version: string; int: number }[];
      version_new_scheme: { version: string; int: number }[];
    }
    const { version_old_scheme, version_new_scheme } = readVectors<Versions>("ip-version.json");
    for (const { version, int: expected } of [...version_old_scheme, ...version_new_scheme]) {
      assert.equal(sdkVersionNumber(version), expected, version);
    }
    assert.throws(() => sdkVersionNumber("nine"), RangeError);
  });
});

describe("signatures.json", { skip }, () => {
  interface Submission {
    submit_time?: string;
    submit_time_js_number?: string;
    prompt?: string;
    validator_hotkey?: string;
    miner_hotkey?: string;
    placeholder_prefix?: string;
    message: string;
    signature_b64: string;
    expected_valid: boolean;
  }
  interface Signatures {
    dendrite_requests: {
      name: string;
      message: string;
      dendrite_hotkey: string;
      signature: string;
      expected_valid: boolean;
    }[];
    axon_response_signature: { message: string; signer: string; signature: string };
    sn17_submit_results: Record<string, Submission>;
  }
  const hex = (text: string): Uint8Array => Buffer.from(text.replace(/^0x/, ""), "hex");

  it("requests are valid or not as the vectors say", () => {
    for (const entry of readVectors<Signatures>("signatures.json").dendrite_requests) {
      assert.equal(
        verifySignature(entry.message, hex(entry.signature), entry.dendrite_hotkey),
        entry.expected_valid,
        entry.name,
      );
    }
  });

  it("what an axon signs of itself verifies", () => {
    const { message, signer, signature } =
      readVectors<Signatures>("signatures.json").axon_response_signature;
    assert.ok(verifySignature(message, hex(signature), signer));
  });

  it("submissions of both protocol years are told apart, and rounded integers refused", () => {
    const { sn17_submit_results: cases } = readVectors<Signatures>("signatures.json");
    const { prompt, validator_hotkey, miner_hotkey, submit_time } = cases.may2024 ?? {};
    for (const [name, entry] of Object.entries(cases)) {
      const submitTime = entry.submit_time_js_number ?? entry.submit_time ?? submit_time;
      const verdict = verifySubmission(
        {
          submitTime: BigInt(submitTime ?? 0),
          prompt: entry.prompt ?? prompt ?? "",
          validatorHotkey: entry.validator_hotkey ?? validator_hotkey ?? "",
          minerHotkey: entry.miner_hotkey ?? miner_hotkey ?? "",
        },
        entry.signature_b64,
        entry.placeholder_prefix ?? "another consent text",
      );
      const expected = entry.placeholder_prefix === undefined ? "2024" : "2025";
      assert.equal(verdict, entry.expected_valid ? expected : undefined, name);
    }
  });
});
