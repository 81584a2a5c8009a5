/** The coordinator's services, as pages call them. */
import { Code, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { GenerationService } from "@turntable/proto";
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

/** @param key undefined forgets it */
export function keepKey(name: KeyName, key: string | undefined): void {
  if (key === undefined) {
    sessionStorage.removeItem(storageName(name));
  } else {
    sessionStorage.setItem(storageName(name), key);
  }
}

export const generation = createClient(
  GenerationService,
  createTransport(() => readKey("client")),
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
