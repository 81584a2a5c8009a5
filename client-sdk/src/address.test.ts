import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAddress } from "./address.ts";
import { InvalidOptionError } from "./errors.ts";

test("every form that gRPC programs take is taken, and what is on this machine is known", () => {
  for (const [text, isLocal] of [
    ["127.0.0.1:50051", true],
    ["127.8.0.1:1", true],
    ["localhost:50051", true],
    ["[::1]:50051", true],
    ["dns:///localhost:50051", true],
    ["unix:/run/turntable.sock", true],
    ["unix:turntable.sock", true],
    ["unix:///run/turntable.sock", true],
    ["coordinator:50051", false],
    ["127.example.org:443", false],
    ["[2001:db8::1]:443", false],
    ["dns:///coordinator.example.org:443", false],
    ["dns://9.9.9.9/coordinator.example.org:443", false],
    ["dns:coordinator:443", false],
  ] as const) {
    assert.deepEqual(parseAddress(text), { target: text, isLocal });
  }
});

test("anything else is refused with what is accepted", () => {
  for (const text of [
    "",
    "host",
    "http://x",
    "http://x:80",
    "a b:1",
    "::1:50051",
    "unix://host/x",
    "x:70000",
  ]) {
    assert.throws(
      () => parseAddress(text),
      (error) => error instanceof InvalidOptionError && /dns:\/\/\/.*unix:/.test(error.message),
      text,
    );
  }
});
