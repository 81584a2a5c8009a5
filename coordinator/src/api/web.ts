/** The API over plain HTTP: for curl, and for pages in browsers where their origins are allowed. */
import type { HttpApp, HttpContext } from "@turntable/process";
import { corsHeaders } from "@turntable/proto/connect";
import openApi from "@turntable/proto/openapi.json" with { type: "json" };
import type { Api } from "./server.ts";

/**
 * Attaches the API's methods, and the OpenAPI document that describes them.
 * @param corsOrigins pages of which others may call, such as `https://example.com`; `*` stands for all
 */
export function attachWeb(
  app: HttpApp,
  { web }: Pick<Api, "web">,
  corsOrigins: readonly string[],
): void {
  app.get("/openapi.json", (context) => withCors(context, context.json(openApi), corsOrigins));
  for (const [path, answer] of web) {
    app.post(path, async (context) => {
      const response = await answer(context.req.raw, callOf(context));
      return withCors(context, response, corsOrigins);
    });
    app.options(path, (context) =>
      withCors(context, new Response(null, { status: 204 }), corsOrigins),
    );
  }
}

/** Names the span of a request to one of the API's methods. */
export const webSpan = ({ web }: Pick<Api, "web">) => {
  return (route: string): string | undefined => (web.has(route) ? route.slice(1) : undefined);
};

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
