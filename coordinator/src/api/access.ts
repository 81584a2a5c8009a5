/**
 * Who calls, whether it may, and how much: known before anything of the request is read.
 *
 * C1 A call's caller is that of its API key, or the hotkey that signed it. Without either it is `anonymous`, where that is allowed; a key that is not
 *    known is nobody's there, as from when there were no keys.
 * C2 A key's limits are counted over all its calls, whatever carries them.
 * C3 A stream ends when its key does.
 */
import { AdminService, GenerationService, ScoringService } from "@turntable/proto";
import type { CallContext, ServerInterceptor } from "@turntable/proto/rpc";
import type { ApiKey, ApiKeys, CallLimits, Scope } from "../keys/index.ts";
import { createCallCounts } from "./call-counts.ts";
import { permissionDenied, unauthenticated } from "./errors.ts";
import type { ObservedCall } from "./observing.ts";
import { createWalletReader, type WalletOptions, walletLimits } from "./wallets.ts";

/** A call by a client that the API knows. */
export interface ClientCall extends CallContext {
  /** Name of the API key, or `anonymous` where none are needed. */
  readonly client: string;
  /** Tasks of all clients are there for it. */
  readonly readsAll: boolean;
}

/** Who calls. */
export interface Caller {
  readonly client: string;
  readonly scopes: readonly Scope[];
  /** What its calls are counted by, and its key is known by; empty for `anonymous`. */
  readonly id: string;
  readonly limits: CallLimits;
  /** Whether it may still go on. */
  readonly isGood: () => boolean;
}

export interface AccessOptions {
  readonly keys: Pick<ApiKeys, "find" | "isGood">;
  /** ms since 1970 UTC */
  readonly now: () => number;
}

/** Who may call beside those with a key; nobody when empty. */
export interface Keyless {
  /** What those without a key may do. */
  readonly anonymous?: readonly Scope[];
  /** Hotkeys that may generate and score by their signature. */
  readonly wallets?: WalletOptions | undefined;
}

/** Knows the caller of each call, and refuses the others. */
export type AccessInterceptor = ServerInterceptor<ClientCall, ObservedCall>;

/** Disposing it stops looking after open streams. */
export interface Access extends Disposable {
  /** For one way in; all of them count a key's calls together (C2). */
  interceptorFor(keyless: Keyless): AccessInterceptor;
}

/** How soon the streams of a key that was ended end, in ms. */
const streamCheckMs = 1_000;

export function createAccess({ keys, now }: AccessOptions): Access {
  const counts = createCallCounts();
  /** Streams of callers with a key. */
  const streams = new Map<AbortController, Caller>();
  const check = setInterval(() => {
    for (const [ending, { isGood }] of streams) {
      if (!isGood()) {
        ending.abort(unauthenticated("this API key or hotkey may not call any more"));
      }
    }
  }, streamCheckMs).unref();

  /** By the keys as `ApiKeys` holds them: those that are not used any more are forgotten with them. */
  const callers = new WeakMap<ApiKey, Caller>();
  const withKey = (key: ApiKey): Caller => {
    const known = callers.get(key);
    if (known !== undefined) {
      return known;
    }
    const { name: client, scopes, id, limits } = key;
    const caller = { client, scopes, id, limits, isGood: () => keys.isGood(id, now()) };
    callers.set(key, caller);
    return caller;
  };
  const callersBeside = ({ anonymous = [], wallets }: Keyless) => {
    const anybody: Caller = {
      ...{ client: "anonymous", scopes: anonymous, id: "", isGood: () => true },
      limits: { callsPerMinute: 0, concurrentCalls: 0 },
    };
    const signerOf = wallets === undefined ? undefined : createWalletReader(wallets, now);
    return (call: CallContext, at: number): Caller => {
      const { headers } = call;
      const secret = bearerOf(headers.get("authorization"));
      const key = secret === undefined ? undefined : keys.find(secret, at);
      if (key !== undefined) {
        return withKey(key);
      }
      const hotkey = signerOf?.(call);
      if (hotkey !== undefined) {
        return {
          ...{ client: hotkey, scopes: ["generate", "score"], id: hotkey, limits: walletLimits },
          isGood: () => wallets?.isAllowed(hotkey) ?? false,
        };
      }
      if (anonymous.length > 0) {
        return anybody; // C1
      }
      throw unauthenticated(
        secret === undefined
          ? "an API key is needed: send the metadata `authorization: Bearer <key>`"
          : "this API key is not known here, or not any more",
      );
    };
  };

  return {
    interceptorFor(keyless) {
      const callerOf = callersBeside(keyless);
      return (next) => async (context) => {
        const at = now();
        const caller = callerOf(context, at);
        const { client, scopes, id } = caller;
        context.note({ client });
        checkScopes(context.path, scopes);
        using _counted = counts.begin(caller, at); // C2
        const call = Object.assign(context, { client, readsAll: scopes.includes("read-all") });
        if (id === "" || !streamPaths.has(context.path)) {
          return await next(call);
        }
        const ending = new AbortController();
        streams.set(ending, caller);
        try {
          const signal = AbortSignal.any([context.signal, ending.signal]);
          const answer = await next({ ...call, signal });
          // A stream that was cut short must not look like one that came to its end.
          ending.signal.throwIfAborted(); // C3
          return answer;
        } finally {
          streams.delete(ending);
        }
      };
    },
    [Symbol.dispose]: () => clearInterval(check),
  };
}

/** The key in a header `Bearer <key>`. */
function bearerOf(header: string | undefined): string | undefined {
  if (header === undefined || header.length <= bearer.length) {
    return undefined;
  }
  const secret = header.slice(bearer.length);
  return header.slice(0, bearer.length).toLowerCase() === bearer && !/\s/.test(secret)
    ? secret
    : undefined;
}

const bearer = "bearer ";

const services = [GenerationService, ScoringService, AdminService];
const streamPaths: ReadonlySet<string> = new Set(
  services.flatMap(({ typeName, methods }) =>
    methods
      .filter(({ methodKind }) => methodKind === "server_streaming")
      .map(({ name }) => `/${typeName}/${name}`),
  ),
);

/** Methods of GenerationService that change something; those who see everybody's tasks may call the others. */
const changing: ReadonlySet<string> = new Set(["CreateTask", "CancelTask"]);

/** What opens each method: one of these. */
const scopesOf: ReadonlyMap<string, readonly Scope[]> = new Map([
  ...GenerationService.methods.map(({ name }): [string, readonly Scope[]] => [
    `/${GenerationService.typeName}/${name}`,
    changing.has(name) ? ["generate"] : ["generate", "read-all"],
  ]),
  ...ScoringService.methods.map(({ name }): [string, readonly Scope[]] => [
    `/${ScoringService.typeName}/${name}`,
    ["score"],
  ]),
]);

/** @throws RpcError PERMISSION_DENIED; what has no entry is AdminService's */
function checkScopes(path: string, has: readonly Scope[]): void {
  const needed = scopesOf.get(path) ?? ["admin"];
  if (!needed.some((scope) => has.includes(scope))) {
    throw permissionDenied(
      `the scope ${needed.join(" or ")} is needed; this caller has ${has.join(", ")}`,
    );
  }
}
