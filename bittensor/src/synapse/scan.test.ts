import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { decodePayload, type Scan, type ScanRules, scanBody } from "./scan.ts";

const rules: ScanRules = {
  fields: ["task_id", "results", "task"],
  payload: "results",
  maxDepth: 8,
  maxValues: 100,
  maxRestBytes: 2_000,
};

function scanned(text: string, change: Partial<ScanRules> = {}): Scan {
  return scanBody(Buffer.from(text), { ...rules, ...change });
}

function kept(text: string, change: Partial<ScanRules> = {}): unknown {
  const scan = scanned(text, change);
  return scan.kind === "object" ? JSON.parse(scan.text) : scan.kind;
}

function carried(text: string): string | undefined {
  const bytes = Buffer.from(text);
  const scan = scanBody(bytes, rules);
  if (scan.kind !== "object" || scan.payload === undefined) {
    return undefined;
  }
  return decodePayload(bytes, scan.payload)?.toString("hex") ?? "malformed";
}

const noLimits = { maxDepth: 1e6, maxValues: 1e9, maxRestBytes: 1e9 };

describe("a scan", () => {
  it("keeps the asked fields and takes the payload out", () => {
    const text =
      '\ufeff { "x": [1, {"y": "]"}], "task_id" : "7" ,"results":"AQID","task":{"id":1}}\n';
    assert.deepEqual(kept(text), { task_id: "7", results: "", task: { id: 1 } });
    assert.equal(carried(text), "010203");
  });

  it("takes of two fields of one name the last, as JSON.parse does", () => {
    assert.deepEqual(kept('{"task_id":1,"task_id":2}'), { task_id: 2 });
    assert.equal(carried('{"results":"AQID","results":"AQIE"}'), "010204");
    assert.equal(carried('{"results":"AQID","results":null}'), undefined);
    assert.deepEqual(kept('{"results":"AQID","results":null}'), { results: null });
  });

  it("knows a name however it is written, and no other", () => {
    assert.deepEqual(kept('{"\\u0074ask_id":1,"task_id ":2,"Task_id":3}'), { task_id: 1 });
    assert.deepEqual(kept('{"__proto__":{"task_id":1}}'), {});
    assert.deepEqual(kept(`{"${"t".repeat(1_000)}":1}`), {});
  });

  it("finds the same as JSON.parse in whatever is JSON", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(3), (object, space) => {
        const asked = Object.keys(object).filter((_key, index) => index % 2 === 0);
        const text = JSON.stringify(object, undefined, space);
        const expected = Object.fromEntries(asked.map((name) => [name, object[name]]));
        const fields = { ...noLimits, fields: asked, payload: undefined };
        assert.deepEqual(kept(text, fields), JSON.parse(JSON.stringify(expected)));
      }),
    );
  });

  it("refuses what JSON.parse refuses, and nothing else", () => {
    const piece = fc.constantFrom(
      ...'{}[],:"\\ 019-+.eE\n\u0001tu'.split(""),
      "true",
      "null",
      '"a"',
      "\\u12aF",
      "1.5e3",
      "é",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join("");
        for (const tried of [text, `{"a":${text}}`, `[${text}]`]) {
          let expected: unknown;
          try {
            const value: unknown = JSON.parse(tried);
            const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
            expected = isObject ? "object" : "notObject";
          } catch {
            expected = "notJson";
          }
          assert.equal(scanned(tried, noLimits).kind, expected, tried);
        }
      }),
      { numRuns: 5_000 },
    );
  });

  it("refuses what is not UTF-8", () => {
    const bytes = Buffer.from('{"task_id":"caf\xe9"}', "latin1");
    assert.deepEqual(scanBody(bytes, rules), { kind: "notJson" });
  });

  it("stops at limits of depth, number and size, before it has looked at the rest", () => {
    const beyond = (text: string): string => {
      const scan = scanned(text);
      return scan.kind === "beyond" ? scan.limit : scan.kind;
    };
    assert.equal(beyond(`{"x":${"[".repeat(7)}${"]".repeat(7)}}`), "object");
    assert.equal(beyond(`{"x":${"[".repeat(8)}`), "at most 8 levels are allowed");
    assert.equal(beyond("[".repeat(1_000_000)), "at most 8 levels are allowed");
    assert.equal(beyond(`{"x":[${"1,".repeat(98)}1]}`), "object");
    assert.equal(beyond(`{"x":[${"{},".repeat(1_000_000)}`), "at most 100 values are allowed");
    const rest = "at most 2000 bytes are allowed beside results";
    assert.equal(beyond(`{"x":"${"a".repeat(2_000)}"}`), rest);
    assert.equal(beyond(`{"results":"${"A".repeat(1e6)}","x":1}`), "object");
    assert.equal(beyond(`{"results":"${"A".repeat(1e6)}","x":"${"a".repeat(2_000)}"}`), rest);
    assert.equal(beyond(`{"results":"${"A".repeat(4_000)}","results":"AAAA"}`), rest);
    assert.equal(beyond(`{${" ".repeat(2_000)}}`), rest);
  });
});

describe("a payload", () => {
  it("is standard base64 with padding, and nothing else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const text = Buffer.from(bytes).toString("base64");
        assert.equal(
          carried(JSON.stringify({ results: text })),
          Buffer.from(bytes).toString("hex"),
        );
        // As some encoders write it
        const escaped = JSON.stringify({ results: text }).replaceAll("/", "\\/");
        assert.equal(carried(escaped), Buffer.from(bytes).toString("hex"));
      }),
    );
    for (const text of [
      "A",
      "AA",
      "AAA",
      "AA=",
      "A===",
      "AA==AAAA",
      "AAA=AAA=",
      "AA AA AAA",
      "AAA-",
      "AA_A",
      "AAA?",
      "AAA\\n",
      "\\u0000AAA",
      "AAAé",
    ]) {
      assert.equal(carried(`{"results":"${text}"}`), "malformed", text);
    }
    assert.equal(carried('{"results":""}'), "");
    assert.equal(carried('{"results":7}'), undefined);
  });
});
