/** Services over plain HTTP: for curl, and for pages in browsers where their origins are allowed. */
import type { HttpApp, HttpContext } from "@turntable/process";
import { corsHeaders, type WebHandler } from "@turntable/proto/connect";
import openApi from "@turntable/proto/openapi.json" with { type: "json" };

/** Methods that may be called by the same pages. */
export interface WebMethods {
  /** What answers a call, by its path. */
  readonly methods: ReadonlyMap<string, WebHandler>;
  /** Pages of which others may call, such as `https://example.com`; `*` stands for all. */
  readonly corsOrigins: readonly string[];
}

/**
 * Attaches the methods, and the OpenAPI document that describes them.
 * @param prefix in front of the methods' paths; they are there without it, too
 */
export function attachWeb(app: HttpApp, all: readonly WebMethods[], prefix = ""): void {
  const described = describe(all);
  const origins = all.flatMap(({ corsOrigins }) => corsOrigins);
  app.get("/openapi.json", (context) => withCors(context, context.json(described), origins));
  for (const { methods, corsOrigins } of all) {
    for (const [path, answer] of [...methods].flatMap((method) => placesOf(method, prefix))) {
      app.post(path, async (context) => {
        const response = await answer(context.req.raw, callOf(context));
        return withCors(context, response, corsOrigins);
      });
      app.options(path, (context) =>
        withCors(context, new Response(null, { status: 204 }), corsOrigins),
      );
    }
  }
}

/** Names the span of a request to one of the methods. */
export const webSpan = (all: readonly WebMethods[], prefix = "") => {
  return (route: string): string | undefined => {
    const path = route.startsWith(`${prefix}/`) ? route.slice(prefix.length) : route;
    return all.some(({ methods }) => methods.has(path)) ? path.slice(1) : undefined;
  };
};

/** A method at its own path, and behind the prefix. */
function placesOf([path, answer]: [string, WebHandler], prefix: string): [string, WebHandler][] {
  return [...new Set([path, `${prefix}${path}`])].map((place) => [place, answer]);
}

/** The document without what is not attached. */
function describe(all: readonly WebMethods[]): object {
  const paths = Object.entries(openApi.paths).filter(([path]) =>
    all.some(({ methods }) => methods.has(path)),
  );
  const services = new Set(paths.flatMap(([, { post }]) => post.tags));
  const tags = openApi.tags.filter(({ name }) => services.has(name));
  return { ...openApi, tags, paths: Object.fromEntries(paths) };
}

function callOf({ env, var: { signal } }: HttpContext) {
  return { signal, cut: () => void env.outgoing.destroy() };
}

function withCors(
  context: HttpContext,
  response: Response,
  corsOrigins: readonly string[],
): Response {
  for (const [name, value] of Object.entries(corsHeaders(context.req.raw, corsOrigins) ?? {})) {
    response.headers.set(name, value);
  }
  return response;
}
