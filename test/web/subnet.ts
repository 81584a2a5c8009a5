/** A local subnet with its page, and a browser that looks at it. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTurntableClient, type TurntableClient } from "@turntable/client";
import { startSubnet } from "@turntable/local-subnet";
import { type SubnetOptions, subnetConfig } from "@turntable/local-subnet/config";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { launchChromium } from "../harness/chromium.ts";

export interface SubnetPage extends AsyncDisposable {
  /** With a slash at its end. */
  readonly url: string;
  readonly operatorKey: string;
  readonly browser: Browser;
  readonly client: TurntableClient;
}

/** @param options in place of those that make the smallest subnet with a miner */
export async function startSubnetPage(options: Partial<SubnetOptions> = {}): Promise<SubnetPage> {
  await using stack = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), "turntable-page-"));
  stack.defer(() => rm(dir, { recursive: true, force: true }));
  const stopped = new AbortController();
  const subnet = stack.use(
    await startSubnet(
      {
        ...subnetConfig.schema.parse({ telemetry: {}, log: { level: "error" } }),
        ...{ dir, axonPort: 0, grpcPort: 0, adminPort: 0, httpPort: 0, prompt: "" },
        ...options,
      },
      {
        env: process.env,
        signal: stopped.signal,
        stop: (error) => {
          throw error;
        },
      },
    ),
  );
  stack.defer(() => stopped.abort());
  const { href: url, hash } = new URL(subnet.operatorPage);
  const { grpc }: { readonly grpc: string } = JSON.parse(
    await readFile(join(dir, "addresses.json"), "utf8"),
  );
  const client = stack.use(createTurntableClient({ address: grpc }));
  const browser = await launchChromium();
  stack.defer(() => browser.close());
  const running = stack.move();
  return {
    url: url.replace(hash, ""),
    operatorKey: new URLSearchParams(hash.slice(1)).get("key") ?? "",
    browser,
    client,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** PublicCopy.id of the winner of a task that has ended. @param url of the page @throws Error when it has none */
export async function winnerOf(url: string, taskId: string): Promise<string> {
  const answer = await fetch(new URL("turntable.v1.SubnetService/GetPublicTask", url), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ taskId }),
  });
  const { detail }: { readonly detail?: { readonly winnerId?: string } } = JSON.parse(
    await answer.text(),
  );
  if (!detail?.winnerId) {
    throw new Error(`task ${taskId} has no winner`);
  }
  return detail.winnerId;
}

export interface Tab extends AsyncDisposable {
  readonly page: Page;
  /** What the console and the network said that it should not. */
  readonly faults: readonly string[];
}

/** @param path relative to the page's own address */
export async function openTab(
  { browser, url }: Pick<SubnetPage, "browser" | "url">,
  path: string,
  options: BrowserContextOptions = {},
): Promise<Tab> {
  // What turns by itself costs a browser without a GPU more than all else.
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    reducedMotion: "reduce",
    ...options,
  });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("pageerror", ({ message }) => faults.push(message));
  page.on("console", (message) => {
    // Refused by the Content-Security-Policy is an error, too.
    if (message.type() === "error" || message.type() === "warning") {
      faults.push(message.text());
    }
  });
  page.on("request", (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol.startsWith("http") && origin !== new URL(url).origin) {
      faults.push(`asked ${request.url()}`);
    }
  });
  await page.goto(new URL(path, url).href);
  return { page, faults, [Symbol.asyncDispose]: () => context.close() };
}

const axe = readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Those that colours and sizes decide, which themes and widths change. */
const lookRules = ["color-contrast", "target-size", "scrollable-region-focusable"];

/**
 * Each violation of the rules of WCAG 2.2 A and AA and of good practice, with where it is.
 * @param which `look`: of those alone that another theme or width can break
 */
export async function violationsOn(page: Page, which: "all" | "look"): Promise<readonly string[]> {
  await page.evaluate(await axe);
  const options = {
    resultTypes: ["violations"],
    ...(which === "look" ? { runOnly: lookRules } : {}),
  };
  return page.evaluate(`axe.run(${JSON.stringify(options)}).then(({ violations }) => violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => id + " at " + target.join(" ") + ": " + failureSummary)))`);
}
