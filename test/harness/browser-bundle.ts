/** A module of this repository bundled for browsers, run in a page of headless Chromium under a strict policy. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join, relative } from "node:path";
import { buildScript, scriptName } from "@turntable/web/build/script";
import type { Page } from "playwright-core";
import { launchChromium } from "./chromium.ts";

/** As strict as the coordinator's own: nothing inline, no evaluation but WebAssembly's, nothing from elsewhere. */
const policy =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self' blob: data:";

export interface BundlePage extends AsyncDisposable {
  /** The value of an expression in the page, as JSON has it. */
  evaluate(expression: string): Promise<unknown>;
  readonly page: Page;
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
  const folder = mkdtempSync(join(tmpdir(), "turntable-bundle-"));
  stack.defer(() => rmSync(folder, { recursive: true }));
  await buildScript(entry, folder);
  const built = filesIn(folder);
  const style = [...built.keys()].find((name) => name.endsWith(".css"));
  const html = `<!doctype html><title>test</title>${
    style === undefined ? "" : `<link rel="stylesheet" href="${style}">`
  }<script type="module" src="/${scriptName}"></script><body></body>`;
  const server = createServer((request, response) => {
    const path = request.url ?? "/";
    const body = path === "/" ? html : (built.get(path) ?? files.get(path));
    const type = path === "/" ? "text/html; charset=utf-8" : types[extname(path)];
    response.statusCode = body === undefined ? 404 : 200;
    response.setHeader("content-security-policy", policy);
    response.setHeader("content-type", type ?? "application/octet-stream").end(body);
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
    page,
    complaints,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Addresses of the files of a built script. */
function filesIn(folder: string): ReadonlyMap<string, Uint8Array> {
  return new Map(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((found) => found.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
      .map((file) => [`/${relative(folder, file)}`, readFileSync(file)]),
  );
}

const types: Readonly<Record<string, string>> = {
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
};
