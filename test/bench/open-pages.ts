/**
 * Pages that are open in browsers, in a process of their own: each watches the overview over Connect, as the web page
 * does. `node open-pages.ts URL COUNT`; says how many have their first message, and how many messages have come since it
 * was asked last.
 */
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { SubnetService } from "@turntable/proto";

const [baseUrl = "", count = "0"] = process.argv.slice(2);
let messages = 0;
let bytes = 0;

/** Counts what comes over the wire. */
async function counting(...[input, init]: Parameters<typeof fetch>): Promise<Response> {
  const response = await fetch(input, init);
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      bytes += chunk.length;
      controller.enqueue(chunk);
    },
  });
  const body = response.body?.pipeThrough(counter) ?? null;
  return new Response(body, { status: response.status, headers: response.headers });
}

const transport = createConnectTransport({ baseUrl, useBinaryFormat: true, fetch: counting });
const client = createClient(SubnetService, transport);
const opened = Array.from({ length: Number(count) }, async () => {
  const first = Promise.withResolvers<void>();
  void (async () => {
    for await (const _ of client.watchOverview({})) {
      messages += 1;
      first.resolve();
    }
    throw new Error("a watch has ended");
  })().catch((error: unknown) => {
    first.reject(error);
    throw error;
  });
  return first.promise;
});
await Promise.all(opened);
process.on("message", () => {
  process.send?.({ messages, bytes });
  messages = 0;
  bytes = 0;
});
process.send?.({ messages, bytes });
