/** The connection of browsers, over the Connect protocol: the only file of this package that knows @connectrpc. */
import { ConnectError } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { readErrorDetails } from "@turntable/proto/error-details";
import { statusCodes } from "@turntable/proto/rpc";
import { ClientClosedError, InvalidOptionError, TurntableError } from "./errors.ts";
import {
  type CallOptions,
  checkApiKey,
  failedCall,
  headersOf,
  type Transport,
} from "./transport.ts";

export interface WebOptions {
  /** Where a coordinator's HTTP port is, for example `https://turntable.example`; a page of its own may say `/`. */
  readonly baseUrl: string;
  /** Sent as `authorization: Bearer …`; over plain HTTP it travels in the clear. */
  readonly apiKey?: string | undefined;
  /** In place of the browser's, to add credentials for example. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Signs each call in place of an API key: `walletSigner` makes one of a wallet. */
  readonly signCall?: SignWebCall | undefined;
}

/** @returns headers to send along with a call: `path` is `/turntable.v1.GenerationService/CreateTask`, `body` the request's */
export type SignWebCall = (call: {
  readonly path: string;
  readonly body: Uint8Array;
}) => Promise<Readonly<Record<string, string>>>;

/** @throws InvalidOptionError for a key that cannot be used. */
export function createWebTransport(options: WebOptions): Transport {
  const { baseUrl, apiKey, signCall } = options;
  const fetch = signCall === undefined ? options.fetch : signedFetch(signCall, options.fetch);
  checkApiKey(apiKey);
  if (!/^(https?:\/\/[^\s/]+|\/)/.test(baseUrl)) {
    throw new InvalidOptionError(
      `"${baseUrl}" is no base URL: give http:// or https:// and a host, or a path of the page's own host`,
    );
  }
  const transport = createConnectTransport({
    baseUrl,
    useBinaryFormat: true,
    ...(fetch === undefined ? {} : { fetch }),
  });
  const closed = new AbortController();
  const signalOf = ({ signal }: CallOptions): AbortSignal =>
    signal === undefined ? closed.signal : AbortSignal.any([closed.signal, signal]);
  const timeoutOf = ({ deadline }: CallOptions): number | undefined =>
    deadline === undefined ? undefined : Math.max(1, deadline.getTime() - Date.now());
  const explain = (error: unknown, signal: AbortSignal | undefined): unknown => {
    if (closed.signal.aborted) {
      return new ClientClosedError({ cause: error });
    }
    return signal?.aborted ? signal.reason : callError(error);
  };
  return {
    async unary(method, request, call) {
      try {
        call.signal?.throwIfAborted();
        const headers = headersOf(call, apiKey);
        const answer = await transport.unary(
          method,
          signalOf(call),
          timeoutOf(call),
          headers,
          request,
        );
        return answer.message;
      } catch (error) {
        throw explain(error, call.signal);
      }
    },
    async *stream(method, request, call) {
      try {
        call.signal?.throwIfAborted();
        const left = new AbortController();
        const signal = AbortSignal.any([left.signal, signalOf(call)]);
        const headers = headersOf(call, apiKey);
        const answer = await transport.stream(
          method,
          signal,
          timeoutOf(call),
          headers,
          once(request),
        );
        try {
          yield* answer.message;
        } finally {
          left.abort(); // the connection would stay open behind a loop that was left early
        }
      } catch (error) {
        throw explain(error, call.signal);
      }
    },
    [Symbol.dispose]() {
      closed.abort();
    },
  };
}

/** The body is known where it is sent, and nowhere before. */
function signedFetch(
  signCall: SignWebCall,
  fetch: typeof globalThis.fetch = globalThis.fetch,
): typeof globalThis.fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const body = new Uint8Array(await request.clone().arrayBuffer());
    // Where the API is below a path of a proxy's, that is not signed.
    const path = `/${new URL(request.url).pathname.split("/").slice(-2).join("/")}`;
    const headers = new Headers(request.headers);
    for (const [name, value] of Object.entries(await signCall({ path, body }))) {
      headers.set(name, value);
    }
    return await fetch(new Request(request, { headers }));
  };
}

async function* once<T>(value: T): AsyncGenerator<T> {
  yield value;
}

function callError(error: unknown): unknown {
  const known = ConnectError.from(error);
  if (known.cause instanceof TurntableError) {
    return known.cause; // nothing was sent
  }
  // What `fetch` throws when there is no connection is a TypeError, whose text differs from browser to browser.
  if (known.cause instanceof TypeError && !known.isWireError) {
    return failedCall(statusCodes.UNAVAILABLE, known.rawMessage, error);
  }
  const more = readErrorDetails((schema) => known.findDetails(schema));
  return failedCall(known.code, known.rawMessage, error, more);
}
