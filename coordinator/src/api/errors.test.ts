import assert from "node:assert/strict";
import { test } from "node:test";
import { status } from "@grpc/grpc-js";
import {
  errorDetailsTrailer,
  noErrorDetails,
  parseErrorDetails,
} from "@turntable/proto/error-details";
import type { RpcError } from "@turntable/proto/rpc";
import * as errors from "./errors.ts";

function detailsOf({ trailers }: RpcError) {
  const bytes = trailers[errorDetailsTrailer];
  return bytes === undefined ? undefined : parseErrorDetails(Buffer.from(bytes));
}

test("a malformed field is named for people and for programs", () => {
  const error = errors.invalidArgument("prompt", "is empty");
  assert.deepEqual([error.code, error.message], [status.INVALID_ARGUMENT, "prompt is empty"]);
  assert.deepEqual(detailsOf(error), {
    ...{ ...noErrorDetails, reason: "FIELD_INVALID" },
    fields: [{ field: "prompt", description: "is empty" }],
  });
});

test("what is too large names its limit and no time to try again; what has no room names both", () => {
  const large = errors.tooLarge("prompt", "has 2000 characters");
  assert.equal(large.code, status.RESOURCE_EXHAUSTED);
  assert.deepEqual(detailsOf(large), {
    ...{ ...noErrorDetails, reason: "FIELD_TOO_LARGE" },
    limits: [{ subject: "prompt", description: "has 2000 characters" }],
  });
  const full = errors.exhausted("tasks", "1000 tasks are open", 5_000);
  assert.deepEqual(detailsOf(full), {
    ...{ ...noErrorDetails, reason: "LIMIT_REACHED" },
    limits: [{ subject: "tasks", description: "1000 tasks are open" }],
    retryAfterMs: 5_000,
  });
  const away = errors.unavailable("shutting down", 1_000);
  assert.deepEqual([away.code, detailsOf(away)?.retryAfterMs], [status.UNAVAILABLE, 1_000]);
});

test("of a bug the caller learns an id, and nothing else", () => {
  const cause = new Error("SQLITE_CORRUPT at /var/lib");
  const error = errors.internal("id-1", cause);
  assert.deepEqual([error.code, error.message], [status.INTERNAL, "internal error id-1"]);
  assert.equal(error.cause, cause);
  assert.equal(detailsOf(error), undefined);
});

test("the other refusals have their code, and a reason for programs", () => {
  for (const [error, code, reason] of [
    [errors.notFound("x"), status.NOT_FOUND, "NOT_FOUND"],
    [errors.alreadyExists("x"), status.ALREADY_EXISTS, "ALREADY_EXISTS"],
    [errors.failedPrecondition("x"), status.FAILED_PRECONDITION, "WRONG_STATE"],
    [errors.outOfRange("x", "y"), status.OUT_OF_RANGE, "OUT_OF_RANGE"],
    [errors.unauthenticated("x"), status.UNAUTHENTICATED, "UNAUTHENTICATED"],
    [errors.permissionDenied("x"), status.PERMISSION_DENIED, "PERMISSION_DENIED"],
  ] as const) {
    assert.deepEqual([error.code, detailsOf(error)?.reason], [code, reason]);
  }
});
