/** An HTTP server that answers as the endpoint of a vision model, for tests. */
import { once } from "node:events";
import { createServer, type RequestListener, type ServerResponse } from "node:http";

export interface Endpoint extends AsyncDisposable {
  readonly url: string;
}

/** Starts it on a free port of loopback. */
export async function startEndpoint(answer: RequestListener): Promise<Endpoint> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers with a chat completion of this text. */
export function completion(response: ServerResponse, content: string): void {
  const message = { role: "assistant", content };
  response
    .setHeader("content-type", "application/json")
    .end(JSON.stringify({ id: "1", choices: [{ index: 0, message, finish_reason: "stop" }] }));
}
