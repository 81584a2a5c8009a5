/** Spark, the well-kept splat viewer of the web, in headless Chromium: what else one could render with. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { RgbImage, View } from "@turntable/validation";
import { chromium } from "playwright-core";
import { cpuMsOfTree } from "./cpu-time.ts";

export interface SparkRun {
  readonly images: readonly RgbImage[];
  /** Processor time of one view in all of the browser's processes together, in ms. */
  readonly cpuMs: number;
  readonly wallMs: number;
}

const chromiumFile = "/usr/bin/chromium";

/** Why it cannot be measured here, or undefined. */
export function sparkMissing(): string | undefined {
  if (existsSync(chromiumFile)) {
    return undefined;
  }
  return "no /usr/bin/chromium; apt-get install --no-install-recommends chromium";
}

/**
 * Renders the views, once to warm up and once to measure.
 * @param matching settings that come as close as possible to the reference, instead of Spark's defaults
 */
export async function runSpark(
  ply: Uint8Array,
  views: readonly View[],
  size: number,
  fovyDeg: number,
  matching: boolean,
): Promise<SparkRun> {
  await using page = await openPage(ply);
  const { evaluate } = page;
  await evaluate(`start(${size}, ${fovyDeg}, ${matching})`);
  for (const view of views) {
    await evaluate(`render(${JSON.stringify(view)})`);
  }
  const cpuBefore = await page.cpuMs();
  const since = performance.now();
  for (const view of views) {
    await evaluate(`render(${JSON.stringify(view)})`);
  }
  const wallMs = (performance.now() - since) / views.length;
  const cpuMs = ((await page.cpuMs()) - cpuBefore) / views.length;
  const images: RgbImage[] = [];
  for (const view of views) {
    const base64 = await evaluate(`renderAndRead(${JSON.stringify(view)})`);
    images.push(fromRgbaUpsideDown(Buffer.from(String(base64), "base64"), size));
  }
  return { images, cpuMs, wallMs };
}

interface SparkPage extends AsyncDisposable {
  evaluate(script: string): Promise<unknown>;
  cpuMs(): Promise<number>;
}

async function openPage(ply: Uint8Array): Promise<SparkPage> {
  await using stack = new AsyncDisposableStack();
  const server = await serve(ply);
  stack.defer(() => void server.close());
  const browserServer = await chromium.launchServer({
    executablePath: chromiumFile,
    args: ["--no-sandbox", "--enable-unsafe-swiftshader"],
  });
  stack.defer(() => browserServer.close());
  const browser = await chromium.connect(browserServer.wsEndpoint());
  stack.defer(() => browser.close());
  const page = await browser.newPage();
  const { port } = server.address() as AddressInfo; // a listening TCP server has one
  await page.goto(`http://127.0.0.1:${port}/`);
  const broken = new Promise<never>((_resolve, reject) => page.once("pageerror", reject));
  await Promise.race([page.waitForFunction("window.render !== undefined"), broken]);
  const root = browserServer.process().pid ?? 0;
  const owned = stack.move();
  return {
    evaluate: (script) => page.evaluate(script),
    cpuMs: () => cpuMsOfTree(root),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const modules = new URL("../../../node_modules/", import.meta.url);
const files: Readonly<Record<string, URL>> = {
  "/three.module.js": new URL("three/build/three.module.js", modules),
  "/three.core.js": new URL("three/build/three.core.js", modules),
  "/spark.module.js": new URL("@sparkjsdev/spark/dist/spark.module.js", modules),
  "/page.js": new URL("spark-page.js", import.meta.url),
};

/** A part of three that Spark loads. */
function addon(path: string): URL | undefined {
  const name = /^\/addons\/([\w/]+\.js)$/.exec(path)?.[1];
  return name === undefined ? undefined : new URL(`three/examples/jsm/${name}`, modules);
}

const html = `<!doctype html><script type="importmap">{"imports":
{"three": "/three.module.js", "three/addons/": "/addons/", "@sparkjsdev/spark": "/spark.module.js"}}</script>
<canvas></canvas><script type="module" src="/page.js"></script>`;

async function serve(ply: Uint8Array): Promise<Server> {
  const server = createServer(async (request, response) => {
    const path = request.url ?? "/";
    const file = files[path] ?? addon(path);
    if (path === "/") {
      response.setHeader("content-type", "text/html").end(html);
    } else if (path === "/asset.ply") {
      response.end(ply);
    } else if (file !== undefined) {
      response.setHeader("content-type", "text/javascript").end(await readFile(file));
    } else {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

function fromRgbaUpsideDown(rgba: Uint8Array, size: number): RgbImage {
  const pixels = new Uint8Array(size * size * 3);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const from = ((size - 1 - y) * size + x) * 4;
      pixels.set(rgba.subarray(from, from + 3), (y * size + x) * 3);
    }
  }
  return { width: size, height: size, pixels };
}
