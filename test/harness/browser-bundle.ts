/** A module of this repository bundled for browsers, run in a page of headless Chromium under a strict policy. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { rolldown } from "rolldown";
import { launchChromium } from "./chromium.ts";

/** As strict as the coordinator's own: nothing inline, no evaluation but WebAssembly's, nothing from elsewhere. */
const policy =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self' blob: data:";

export interface BundlePage extends AsyncDisposable {
  /** The value of an expression in the page, as JSON has it. */
  evaluate(expression: string): Promise<unknown>;
  /** What the page threw or complained of so far. */
  readonly complaints: readonly string[];
}

/**
 * @param entry its path; what it exports stands in `globalThis.exported`
 * @param files what the page can fetch, by the path in its addresses
 */
export async function openBundle(
  entry: string,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<BundlePage> {
  await using stack = new AsyncDisposableStack();
  const scripts = await bundle(entry);
  const server = createServer((request, response) => {
    const path = request.url ?? "/";
    const [type, body] =
      path === "/"
        ? [
            "text/html",
            '<!doctype html><title>test</title><script type="module" src="/entry.js"></script>',
          ]
        : scripts.has(path)
          ? ["text/javascript", scripts.get(path)]
          : ["application/octet-stream", files.get(path)];
    response.statusCode = body === undefined ? 404 : 200;
    response.setHeader("content-security-policy", policy);
    response.setHeader("content-type", `${type}; charset=utf-8`).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stack.defer(() => void server.close());
  const browser = stack.use(await launchChromium());
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    // The browser asks for an icon by itself.
    if (message.type() === "error" && !message.location().url.endsWith("/favicon.ico")) {
      complaints.push(message.text());
    }
  });
  const { port } = server.address() as AddressInfo; // a listening TCP server has one
  await page.goto(`http://127.0.0.1:${port}/`);
  const broken = new Promise<never>((_, reject) => page.once("pageerror", reject));
  await Promise.race([page.waitForFunction("globalThis.exported !== undefined"), broken]);
  broken.catch(() => undefined);
  const owned = stack.move();
  return {
    evaluate: (expression) => page.evaluate(expression),
    complaints,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function bundle(entry: string): Promise<ReadonlyMap<string, string>> {
  const starter = "\0entry";
  await using made = await rolldown({
    input: { entry: starter },
    platform: "browser",
    plugins: [
      {
        name: "entry",
        resolveId: (id) => (id === starter ? id : undefined),
        load: (id) =>
          id === starter
            ? `import * as exported from ${JSON.stringify(entry)}; globalThis.exported = exported;`
            : undefined,
      },
    ],
    onLog(level, log) {
      // Such as a module of Node's that was left in: it would fail in the page, and more obscurely.
      throw new Error(`${level}: ${log.message}`);
    },
  });
  const { output } = await made.generate({ format: "esm", entryFileNames: "[name].js" });
  return new Map(
    output.flatMap((part) => (part.type === "chunk" ? [[`/${part.fileName}`, part.code]] : [])),
  );
}
