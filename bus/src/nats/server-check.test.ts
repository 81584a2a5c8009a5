import assert from "node:assert/strict";
import { test } from "node:test";
import { NatsServerError } from "./options.ts";
import { checkServer } from "./server-check.ts";

test("a server that is new enough and has JetStream is accepted", () => {
  for (const version of ["2.10.27", "2.10.29", "2.12.0-preview.1", "2.15.1", "3.0.0"]) {
    checkServer({ version, jetstream: true });
  }
});

test("an older one is refused, with the version to install", () => {
  for (const version of ["2.9.10", "2.10.26", "2.10.3", "1.99.99"]) {
    assert.throws(
      () => checkServer({ version, jetstream: true }),
      (error: unknown) => {
        assert.ok(error instanceof NatsServerError);
        assert.ok(error.message.includes(`nats-server ${version} is too old`));
        assert.match(error.message, /Install 2\.10\.27 or newer/);
        return true;
      },
    );
  }
});

test("one without JetStream is refused, with the lines to add", () => {
  for (const facts of [{ version: "2.12.0" }, { version: "2.12.0", jetstream: false }]) {
    assert.throws(
      () => checkServer(facts),
      (error: unknown) =>
        error instanceof NatsServerError && /jetstream \{ store_dir: … \}/.test(error.message),
    );
  }
});

test("one whose messages are too small for results is refused, with the value to set", () => {
  const facts = { version: "2.12.0", jetstream: true };
  checkServer({ ...facts, max_payload: 65_536 });
  assert.throws(
    () => checkServer({ ...facts, max_payload: 65_535 }),
    (error: unknown) =>
      error instanceof NatsServerError && /65535 bytes.*max_payload to 8MB/.test(error.message),
  );
});
