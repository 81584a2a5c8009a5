/** The coordinator's services, as pages call them. */
import { Code, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { AdminService, GenerationService, SubnetService } from "@turntable/proto";
import { base } from "./router.ts";

/** Sends a key with each call, when there is one. @param apiKey asked anew for each call */
function createTransport(apiKey: () => string | undefined) {
  const authorize: Interceptor = (next) => (request) => {
    const key = apiKey();
    if (key !== undefined) {
      request.header.set("authorization", `Bearer ${key}`);
    }
    return next(request);
  };
  return createConnectTransport({
    baseUrl: base.href.replace(/\/$/, ""),
    useBinaryFormat: true,
    interceptors: [authorize],
  });
}

/** Under which an API key is kept until the tab is closed. */
export type KeyName = "client" | "operator";

const storageName = (name: KeyName): string => `turntable.key.${name}`;

export function readKey(name: KeyName): string | undefined {
  return sessionStorage.getItem(storageName(name)) ?? undefined;
}

export function keepKey(name: KeyName, key: string): void {
  sessionStorage.setItem(storageName(name), key);
}

/** Those of the operator and of the client: one of them may have come with the other. */
export function forgetKeys(): void {
  sessionStorage.removeItem(storageName("client"));
  sessionStorage.removeItem(storageName("operator"));
}

/**
 * Takes an operator's key out of the address, `#key=…`, before anything else sees it there: a fragment is never sent to a server, but
 * it is copied with the address. It is good for all that the page asks.
 */
export function takeKeyFromAddress(): void {
  const key = new URLSearchParams(location.hash.slice(1)).get("key");
  if (key !== null && /^[\x21-\x7e]+$/.test(key)) {
    keepKey("client", key);
    keepKey("operator", key);
    history.replaceState(undefined, "", location.pathname + location.search);
  }
}

/** What everybody may see. */
export const subnet = createClient(
  SubnetService,
  createTransport(() => undefined),
);

/** A client's own tasks. */
export const generation = createClient(
  GenerationService,
  createTransport(() => readKey("client")),
);

/** The operator's side. */
export const admin = createClient(
  AdminService,
  createTransport(() => readKey("operator")),
);

/** An error for people. */
export function explain(error: unknown): string {
  const known = ConnectError.from(error);
  if (known.cause instanceof TypeError) {
    return "The coordinator does not answer.";
  }
  switch (known.code) {
    case Code.Unauthenticated:
      return "This needs an API key, or the key is not known.";
    case Code.PermissionDenied:
      return `The API key does not allow this: ${known.rawMessage}`;
    default:
      return known.rawMessage;
  }
}

/** Whether a key would help. */
export function needsKey(error: unknown): boolean {
  const { code } = ConnectError.from(error);
  return code === Code.Unauthenticated || code === Code.PermissionDenied;
}
