import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type ApiKeySchema, ApiKeyScope } from "@turntable/proto";
import { type ApiKey, ApiKeyError, type NewApiKey, type Scope, scopes } from "../../keys/index.ts";
import { alreadyExists, invalidArgument, notFound } from "../errors.ts";
import { pageOfList } from "../pages.ts";
import type { AdminOptions, Rpc } from "./service.ts";

const scopeNumbers = {
  generate: ApiKeyScope.GENERATE,
  score: ApiKeyScope.SCORE,
  "read-all": ApiKeyScope.READ_ALL,
  admin: ApiKeyScope.ADMIN,
} as const satisfies Record<Scope, ApiKeyScope>;

/** As the request's message names them. */
const fieldNames = {
  name: "name",
  scopes: "scopes",
  expiresAt: "expire_time",
  callsPerMinute: "calls_per_minute",
  concurrentCalls: "concurrent_calls",
  requestId: "request_id",
} as const satisfies Record<keyof NewApiKey, string>;

/** Makes a key; its secret is told once. */
export function createApiKey({ keys, now }: AdminOptions): Rpc<"createApiKey"> {
  return async (request) => {
    const { name, expireTime, callsPerMinute, concurrentCalls, requestId } = request;
    const wanted = request.scopes.map((number) => {
      const scope = scopes.find((one) => scopeNumbers[one] === number);
      if (scope === undefined) {
        throw invalidArgument("scopes", `has ${number}, which is no scope`);
      }
      return scope;
    });
    try {
      const expiresAt = expireTime === undefined ? undefined : timestampDate(expireTime);
      const key = { name, scopes: wanted, expiresAt, callsPerMinute, concurrentCalls };
      const made = keys.create({ ...key, requestId: requestId || undefined }, now());
      if (made === undefined) {
        throw alreadyExists(
          "a key was made with this request_id; list the keys, and end it if its secret was lost",
        );
      }
      return { key: messageOf(made.key), secret: made.secret };
    } catch (error) {
      if (error instanceof ApiKeyError) {
        throw invalidArgument(fieldNames[error.field], error.message);
      }
      throw error;
    }
  };
}

/** Every key, without its secret. */
export function listApiKeys({ keys }: AdminOptions): Rpc<"listApiKeys"> {
  return async (request) => {
    const { items, nextPageToken } = pageOfList(keys.list(), request);
    return { keys: items.map(messageOf), nextPageToken };
  };
}

/** Ends a key. */
export function revokeApiKey({ keys }: AdminOptions): Rpc<"revokeApiKey"> {
  return async ({ keyId }) => {
    if (!keys.revoke(keyId)) {
      throw notFound(`no key "${keyId.slice(0, 64)}"; those of the file are ended there`);
    }
    return {};
  };
}

function messageOf(key: ApiKey): MessageInitShape<typeof ApiKeySchema> {
  return {
    id: key.id,
    name: key.name,
    scopes: key.scopes.map((scope) => scopeNumbers[scope]),
    ...(key.createdAt === undefined ? {} : { createTime: timestampFromDate(key.createdAt) }),
    ...(key.expiresAt === undefined ? {} : { expireTime: timestampFromDate(key.expiresAt) }),
    ...key.limits,
    fromFile: key.isFromFile,
  };
}
