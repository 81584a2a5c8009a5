import assert from "node:assert/strict";
import { test } from "node:test";
import { AssetError } from "../splat.ts";
import { wordsOf } from "./words.ts";

const encode = (text: string): Uint8Array => Buffer.from(text, "latin1");

test("numbers are those that JavaScript makes of the same words, to the last bit", () => {
  const plain = [
    "0",
    "-0",
    "+5",
    ".5",
    "5.",
    "-12.25",
    "0.1",
    "123456789012345",
    "0.000000000000001",
  ];
  const others = [
    "1e-7",
    "-2.5E+3",
    "0.1234567890123456",
    "123456789012345678901234567890",
    "0x10",
  ];
  const random = Array.from({ length: 2000 }, (_, i) =>
    (Math.sin(i) * 10 ** (i % 9)).toFixed(i % 12),
  );
  const words = [...plain, ...others, ...random];
  const reader = wordsOf(encode(` \t${words.join("\r\n")}\xa0`), 0);
  for (const word of words) {
    const value = reader.number();
    assert.ok(Object.is(value, Number(word)), `${word}: ${value}`);
  }
  assert.equal(reader.number(), undefined);
});

test("NaN and infinity are read as C writes them, and other words are refused", () => {
  const reader = wordsOf(encode("nan -inf 1.#INF -nan(ind) Infinity seven"), 0);
  const numbers = Array.from({ length: 5 }, () => reader.number());
  const infinite = Number.POSITIVE_INFINITY;
  assert.deepEqual(numbers, [Number.NaN, -infinite, infinite, Number.NaN, infinite]);
  assert.throws(() => reader.number(), AssetError);
  assert.throws(() => wordsOf(encode("-"), 0).number(), /"-" is not a number/);
  assert.throws(() => wordsOf(encode("1.2.3"), 0).number(), /"1.2.3" is not a number/);
});

test("words are passed over, as many as there are", () => {
  const reader = wordsOf(encode("header 1 2 3"), 6);
  assert.equal(reader.skip(2), true);
  assert.equal(reader.number(), 3);
  assert.equal(reader.skip(1), false);
  assert.equal(reader.skip(0), true);
});
