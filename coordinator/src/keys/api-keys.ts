/**
 * API keys: who may call, told apart by name. In a database of their own in the data directory, so that the command
 * `keys` makes and ends them beside a running coordinator.
 *
 * A1 A secret is told once, when its key is made; what is kept is its SHA-256. It has 256 bits of its own, so that the
 *    hash needs no salt. One that is used stays in memory, as it does in the header tables of its connection.
 * A2 A key that another process made holds at once, one that it ended for a tenth of a second at most; what is made or
 *    ended here holds from the next call on. SQLite says when another connection has written.
 */
import { randomBytes } from "node:crypto";
import { z } from "zod";
import { keyRow, openKeyStore } from "../store/index.ts";
import { type FileKey, hashOf } from "./key-file.ts";
import { isOwnName } from "./names.ts";

export const scopes = ["generate", "score", "read-all", "admin"] as const;
/** What a key may do: tasks of its own, scorings, seeing everybody's tasks, AdminService. */
export type Scope = (typeof scopes)[number];

/** A key without its secret. */
export interface ApiKey {
  /** The secret begins with it. */
  readonly id: string;
  /** Whose it is; several keys may have the same. */
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly limits: CallLimits;
  /** Undefined for one of the file. */
  readonly createdAt: Date | undefined;
  /** Undefined for one that does not expire. */
  readonly expiresAt: Date | undefined;
  /** It is ended in the file, and not here. */
  readonly isFromFile: boolean;
}

/** How much a key may ask; 0 stands for no limit. */
export interface CallLimits {
  readonly callsPerMinute: number;
  /** At one time, streams included. */
  readonly concurrentCalls: number;
}

export interface NewApiKey extends Partial<CallLimits> {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly expiresAt?: Date | undefined;
  /** Asking again under the same id makes no second key. */
  readonly requestId?: string | undefined;
}

/** A key cannot be made like that. */
export class ApiKeyError extends Error {
  override name = "ApiKeyError";
  readonly code = "api-key";
  /** As NewApiKey names it. */
  readonly field: keyof NewApiKey;
  /** @param problem goes on from the field's name: "is empty" */
  constructor(field: keyof NewApiKey, problem: string) {
    super(problem);
    this.field = field;
  }
}

/** `now` is ms since 1970 UTC throughout. */
export interface ApiKeys extends Disposable {
  /** The key with this secret; undefined when there is none, or it has expired. */
  find(secret: string, now: number): ApiKey | undefined;
  /** Whether the key may still be used. */
  isGood(id: string, now: number): boolean;
  /** Those of the file and those made here, by name, expired ones too. */
  list(): readonly ApiKey[];
  /**
   * Makes a key; undefined when one was made for the same request id.
   * @throws ApiKeyError
   */
  create(
    key: NewApiKey,
    now: number,
  ): { readonly key: ApiKey; readonly secret: string } | undefined;
  /** Ends a key; false when there is none. Those of the file cannot be ended here. */
  revoke(id: string): boolean;
}

const nameForm = /^[A-Za-z0-9._-]{1,64}$/;
const maxRequestIdChars = 128;
const maxLimit = 1_000_000;
/** Between two questions whether another process has written, in ms. */
const askEveryMs = 100;
const idBytes = 5;
const secretBytes = 32;

const scopeList = z.array(z.enum(scopes));
const versionRow = z.object({ data_version: z.number() });

/**
 * Opens the keys of a data directory, beside whoever has them open.
 * @param fromFile keys beside those of the database; they may do what clients could before keys had scopes, and score
 * @throws StoreError when the database cannot be used
 */
export function openApiKeys(directory: string, fromFile: readonly FileKey[] = []): ApiKeys {
  const store = openKeyStore(directory);
  const fileKeys = fromFile.map(({ name, hash }): readonly [string, ApiKey] => [
    hash,
    {
      ...{ id: `file:${name}`, name, scopes: ["generate", "score"], isFromFile: true },
      limits: { callsPerMinute: 0, concurrentCalls: 0 },
      ...{ createdAt: undefined, expiresAt: undefined },
    },
  ]);
  let known: { readonly version: number; readonly byHash: ReadonlyMap<string, ApiKey> } | undefined;
  let byId: ReadonlyMap<string, ApiKey> = new Map();
  /** By secrets that were used, at most as many as there are keys: hashing costs as much as reading a call. */
  const used = new Map<string, ApiKey>();
  /** When SQLite was asked last (A2). */
  let askedAt = Number.NEGATIVE_INFINITY;
  const load = (now = Number.POSITIVE_INFINITY): ReadonlyMap<string, ApiKey> => {
    if (known !== undefined && Math.abs(now - askedAt) < askEveryMs) {
      return known.byHash;
    }
    askedAt = now;
    const { data_version: version } = versionRow.parse(store.get("PRAGMA data_version")); // A2
    if (known?.version === version) {
      return known.byHash;
    }
    const rows = store.all("SELECT * FROM api_keys ORDER BY name, created_at, id").map(parseKey);
    used.clear();
    known = { version, byHash: new Map([...fileKeys, ...rows]) };
    byId = new Map([...known.byHash.values()].map((key) => [key.id, key]));
    return known.byHash;
  };
  return {
    find(secret, now) {
      const keys = load(now);
      let key = used.get(secret);
      if (key === undefined) {
        const hash = hashOf(secret);
        key = keys.get(hash) ?? load().get(hash); // A2
      }
      if (key === undefined) {
        return undefined;
      }
      used.set(secret, key);
      return isCurrent(key, now) ? key : undefined;
    },
    isGood(id, now) {
      load(now);
      const key = byId.get(id);
      return key !== undefined && isCurrent(key, now);
    },
    list: () =>
      [...load().values()].toSorted((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name))),
    create(wanted, now) {
      checkKey(wanted, now);
      const { name, scopes: may, expiresAt, requestId } = wanted;
      const { callsPerMinute = 0, concurrentCalls = 0 } = wanted;
      const id = `tt_${randomBytes(idBytes).toString("hex")}`;
      const secret = `${id}_${randomBytes(secretBytes).toString("base64url")}`;
      const isMade = store.transaction(() => {
        if (
          requestId !== undefined &&
          store.get("SELECT 1 FROM api_keys WHERE request_id = ?", requestId) !== undefined
        ) {
          return false;
        }
        store.run(
          "INSERT INTO api_keys VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
          ...[id, name, hashOf(secret), JSON.stringify([...new Set(may)])], // A1
          ...[callsPerMinute, concurrentCalls, now, expiresAt?.getTime() ?? null],
          requestId ?? null,
        );
        return true;
      });
      known = undefined; // what this connection writes, its version does not tell
      const key = isMade ? load().get(hashOf(secret)) : undefined;
      return key === undefined ? undefined : { key, secret };
    },
    revoke: (id) =>
      store.transaction(() => {
        if (store.get("SELECT 1 FROM api_keys WHERE id = ?", id) === undefined) {
          return false;
        }
        store.run("DELETE FROM api_keys WHERE id = ?", id);
        known = undefined;
        return true;
      }),
    [Symbol.dispose]: () => store[Symbol.dispose](),
  };
}

function isCurrent({ expiresAt }: ApiKey, now: number): boolean {
  return expiresAt === undefined || now < expiresAt.getTime();
}

function parseKey(value: unknown): readonly [hash: string, key: ApiKey] {
  const row = keyRow.parse(value);
  return [
    row.hash,
    {
      id: row.id,
      name: row.name,
      scopes: scopeList.parse(JSON.parse(row.scopes)),
      limits: { callsPerMinute: row.calls_per_minute, concurrentCalls: row.concurrent_calls },
      createdAt: new Date(row.created_at),
      expiresAt: row.expires_at === null ? undefined : new Date(row.expires_at),
      isFromFile: false,
    },
  ];
}

/** @throws ApiKeyError */
function checkKey(key: NewApiKey, now: number): void {
  if (!nameForm.test(key.name)) {
    throw new ApiKeyError(
      "name",
      "is not 1 to 64 of letters, digits, dots, hyphens and underscores",
    );
  }
  if (isOwnName(key.name)) {
    throw new ApiKeyError(
      "name",
      `"${key.name}" means something of ours; name the client otherwise`,
    );
  }
  if (key.scopes.length === 0) {
    throw new ApiKeyError("scopes", `is empty; give at least one of ${scopes.join(", ")}`);
  }
  if (key.expiresAt !== undefined && !(key.expiresAt.getTime() > now)) {
    throw new ApiKeyError("expiresAt", "is over already");
  }
  for (const field of ["callsPerMinute", "concurrentCalls"] as const) {
    const limit = key[field] ?? 0;
    if (!Number.isInteger(limit) || limit < 0 || limit > maxLimit) {
      throw new ApiKeyError(field, `is not a number from 0, which is no limit, to ${maxLimit}`);
    }
  }
  if (key.requestId !== undefined && key.requestId.length > maxRequestIdChars) {
    throw new ApiKeyError("requestId", `has more than ${maxRequestIdChars} characters`);
  }
}
