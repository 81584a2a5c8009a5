/** The web page in a real browser, over a real local subnet: what each of its pages does, and for whom it can be used. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { createInProcessQueue } from "@turntable/bus/in-process";
import { createAdminClient } from "@turntable/client/admin";
import { ruleSets } from "@turntable/coordinator/rules";
import { ApiKeyScope, TaskState } from "@turntable/proto";
import { writePly } from "@turntable/splat";
import { ball, createRandom } from "@turntable/splat/test";
import { pageFolder } from "@turntable/web/build";
import type { Page, Request } from "playwright-core";
import { startPoolWorker } from "../harness/audit-pool.ts";
import { chromiumMissing } from "../harness/chromium.ts";
import { oneTask, startTestSubnet, submitTask } from "../harness/coordinator.ts";
import {
  openTab,
  type SubnetPage,
  startSubnetPage,
  violationsOn,
  winnerOf,
} from "../web/subnet.ts";

/** Software draws each pixel of the viewer. */
const small = { width: 400, height: 500 };
const root = join(import.meta.dirname, "../..");
const hostile = `<img src=x onerror="document.title='taken'"> a red cube ${"and a very long prompt ".repeat(40)}`;

describe("the web page", { skip: chromiumMissing }, () => {
  let subnet: SubnetPage;
  let cube: string;
  let strange: string;
  before(async () => {
    subnet = await startSubnetPage();
    cube = (await subnet.client.create("a red cube")).id;
    strange = (await subnet.client.create(hostile.slice(0, 1024))).id;
    for await (const _ of subnet.client.watch(cube)) {
      // until it has ended
    }
  });
  after(() => subnet?.[Symbol.asyncDispose]());

  it("shows how the subnet is doing, and goes on by itself", async () => {
    await using tab = await openTab(subnet, "", { reducedMotion: "no-preference" });
    const { page } = tab;
    await page.getByText("live", { exact: true }).waitFor();
    await page.getByRole("link", { name: "a red cube", exact: true }).first().waitFor();
    await page.getByRole("button", { name: "Stop" }).waitFor(); // it turns
    assert.equal(await page.locator(".turntable .bar").count(), 36);
    await page.getByText(/^view [2-9]: 0\.\d/).waitFor();
    const figure = page.locator(".figure", { hasText: "Tasks in the last hour" });
    const earlier = await figure.locator(".figure-value").textContent();
    await subnet.client.generate("a red ball");
    await figure.locator(`.figure-value:not(:text-is("${earlier}"))`).waitFor();
    assert.deepEqual(tab.faults, []);
  });

  it("lists tasks, and shows prompts as the text that they are", async () => {
    await using tab = await openTab(subnet, "tasks");
    const { page } = tab;
    await page.getByRole("link", { name: "<img src=x" }).waitFor();
    await page.getByRole("link", { name: "a red cube", exact: true }).click();
    await page.getByRole("heading", { name: "a red cube" }).waitFor();
    assert.equal(page.url(), `${subnet.url}tasks/${cube}`);
    await page.goto(`${subnet.url}tasks/${strange}`);
    await page.getByRole("heading", { name: "<img src=x" }).waitFor();
    assert.equal(await page.locator("h1 img").count(), 0);
    assert.doesNotMatch(await page.title(), /^taken/);
    assert.deepEqual(tab.faults, []);
  });

  it("shows a task: what happened, every copy, the views that were scored, and files to score it again", async () => {
    await using tab = await openTab(subnet, `tasks/${cube}`);
    const { page } = tab;
    await page.getByText("The 36 views as they were scored").waitFor();
    const happened = await page.locator(".timeline strong").allTextContents();
    assert.deepEqual(happened, ["created", "assigned", "submitted", "accepted", "succeeded"]);
    assert.equal(await page.locator(".view").count(), 36);
    assert.equal(await page.locator(".view.worst").count(), 1);
    assert.ok(await isDrawn(page, ".view canvas"), "the views are empty");
    await page.getByRole("button", { name: "Check it in this browser" }).click();
    await page.getByText("checked in this browser: it is that of validator").waitFor();

    const directory = await mkdtemp(join(tmpdir(), "turntable-page-files-"));
    after(() => rm(directory, { recursive: true, force: true }));
    for (const name of ["a-red-cube.ply", "a-red-cube-report.json"]) {
      const download = page.waitForEvent("download");
      await page.getByRole("button", { name: `Download ${name}` }).click();
      await (await download).saveAs(join(directory, name));
    }
    const command = (await page.locator(".code-text").textContent()) ?? "";
    const [, program = "", ...args] = command.split(" ");
    const bin = join(root, "workers/validation/bin", program);
    const { stdout } = await promisify(execFile)(bin, args, { cwd: directory });
    assert.match(stdout, /the same|difference/i);
    assert.deepEqual(tab.faults, []);
  });

  it("shows a miner: where it stands, what would help, and each verdict", async () => {
    await using tab = await openTab(subnet, `tasks/${cube}`);
    const { page } = tab;
    await page.locator("table a.mono").first().click();
    await page.getByRole("heading", { name: "Miner" }).waitFor();
    await page.getByText("#1", { exact: true }).waitFor();
    assert.ok((await page.locator(".advice li").count()) > 0);
    await page.locator(".lines canvas").first().waitFor();
    await page.getByRole("button", { name: /^accepted/ }).click();
    await page.locator("td .badge.good").first().waitFor();
    assert.equal(await page.locator("td .badge.bad").count(), 0);
    assert.deepEqual(tab.faults, []);
  });

  it("makes what is asked for on the overview, and says how in code", async () => {
    await using tab = await openTab(subnet, "", { viewport: small });
    const { page } = tab;
    await page.getByLabel("What shall the subnet make?").fill("a blue vase");
    await page.keyboard.press("Enter");
    await page.getByText("succeeded", { exact: true }).waitFor();
    assert.equal(page.url(), `${subnet.url}try`);
    await page.getByRole("button", { name: "Download a-blue-vase.ply" }).waitFor();
    assert.match((await page.locator(".code-text").textContent()) ?? "", /"a blue vase"/);
    await page.getByRole("radio", { name: "Python" }).check();
    const script = (await page.locator(".code-text").textContent()) ?? "";
    const directory = await mkdtemp(join(tmpdir(), "turntable-page-python-"));
    after(() => rm(directory, { recursive: true, force: true }));
    const { stdout } = await promisify(execFile)("python3", ["-c", script], { cwd: directory });
    assert.match(stdout, /TASK_STATE_SUCCEEDED/);
    assert.deepEqual(tab.faults, []);
  });

  it("gives the operator's side to a key with the scope admin", async () => {
    await using tab = await openTab(subnet, `operator#key=${subnet.operatorKey}`);
    const { page } = tab;
    await page.getByText("Everything is taken.").waitFor();
    assert.doesNotMatch(page.url(), /key/);
    await page.getByLabel("Reason, told to whoever is refused").fill("a test");
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByRole("button", { name: "Really pause?" }).click();
    await page.getByText("Because: a test").waitFor();
    await page.getByRole("button", { name: "Open", exact: true }).click();
    await page.getByText("Everything is taken.").waitFor();
    await page.getByLabel("Name").fill("somebody");
    await page.getByRole("button", { name: "Make a key" }).click();
    await page.getByText("It is shown this once").waitFor();
    const row = page.getByRole("row", { name: "somebody" });
    await row.getByRole("button", { name: "Revoke" }).click();
    await row.getByRole("button", { name: "Really revoke?" }).click();
    await row.waitFor({ state: "detached" });
    const worker = page.getByRole("row", { name: /^local / });
    await worker.getByRole("button", { name: "Drain" }).click();
    await worker.getByRole("button", { name: "Really take no more?" }).click();
    await worker.getByRole("cell", { name: "drained", exact: true }).waitFor();
    await worker.getByRole("button", { name: "Resume" }).click();
    await worker.getByRole("cell", { name: "ready", exact: true }).waitFor();
    await page.getByRole("button", { name: "Plan now" }).click();
    await page.locator(".steps li").first().waitFor();
    assert.deepEqual(tab.faults, []);

    await page.getByRole("button", { name: "Forget the key" }).click();
    await page.getByLabel("API key with the scope admin").fill("tt_unknown_key");
    await page.getByRole("button", { name: "Use it" }).click();
    await page.getByText("This needs an API key, or the key is not known.").waitFor();
  });

  it("sends again what was given up, tells what audits found, and takes a worker back", async () => {
    const { queue, source } = createInProcessQueue();
    await using operated = await startTestSubnet({
      ...{ queue, adminWeb: true, admin: { host: "127.0.0.1", port: 0, anonymous: true } },
      rules: { ...ruleSets.local, cooldownMs: 0, badWorkMs: 0 },
      page: { folder: pageFolder, path: "/", showClientTasks: true },
      audits: { share: 1, margin: 0, tolerance: 0.02, findings: 2 },
      duplicates: { windowMs: 0, compared: 1 },
    });
    const { coordinator, client } = operated;
    using admin = createAdminClient({ address: `127.0.0.1:${coordinator.adminPort}` });
    const scopes = [ApiKeyScope.READ_ALL, ApiKeyScope.ADMIN];
    const { secret } = await admin.createApiKey({ name: "operator", scopes });
    const given = submitTask(operated);
    const taken = await source("first").take(AbortSignal.timeout(60_000));
    await taken?.terminate("it ended two workers");
    const { id } = await given;

    const url = `http://127.0.0.1:${coordinator.httpPort}/`;
    await using tab = await openTab({ ...subnet, url }, `operator#key=${secret}`);
    const { page } = tab;
    const letter = page.getByRole("row", { name: "it ended two workers" });
    await letter.getByRole("link").waitFor();
    await using _liar = startPoolWorker(source("liar"), "liar", () => 0.9);
    await letter.getByRole("button", { name: "Replay" }).click();
    await page.getByText("No job was given up.").waitFor();
    for await (const _ of client.watch(id)) {
      // until it has ended
    }
    assert.equal((await client.get(id)).state, TaskState.SUCCEEDED);

    await oneTask(operated);
    await using _others = startPoolWorker(source("w2"), "w2", () => 0.3);
    await using _third = startPoolWorker(source("w3"), "w3", () => 0.3);
    const liar = page.getByRole("row", { name: /^liar / });
    await liar.getByRole("cell", { name: "quarantined", exact: true }).waitFor();
    await page.getByText(/^liar is quarantined: 2 times within /).waitFor();
    await liar.getByRole("button", { name: "Release" }).click();
    await liar.getByRole("button", { name: "Really take its results again?" }).click();
    await liar.getByRole("cell", { name: "ready", exact: true }).waitFor();
    await page.goto(new URL(`tasks/${id}`, url).href);
    await page.getByText("of worker liar: other workers found that wrong").waitFor();
    assert.deepEqual(tab.faults, []);
  });

  it("is used with the keyboard alone", async () => {
    await using tab = await openTab(subnet, "tasks");
    const { page } = tab;
    await page.getByRole("link", { name: "a red cube", exact: true }).waitFor();
    await page.keyboard.press("Tab");
    assert.equal(await focused(page), "Skip to content");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate("document.activeElement.id"), "main");
    await page.keyboard.press("Tab");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    assert.equal(await page.getByLabel("Succeeded").isChecked(), true);
    await page.goto(subnet.url);
    await page.locator(".chart-picture").first().focus();
    await page.keyboard.press("ArrowLeft");
    await page.getByText(/^\d\d:\d\d: /).waitFor();
    assert.deepEqual(tab.faults, []);
  });

  it("works behind a prefix that a proxy takes away, and comes back when that was gone", async () => {
    const prefix = "/of/somebody";
    const { port: target } = new URL(subnet.url);
    const proxy = createServer((from, to) => {
      const { method, headers } = from;
      const path = from.url?.slice(prefix.length) || "/";
      const passed = request({ ...{ port: target, method, headers, path } }, (answer) => {
        to.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(to);
      });
      from.pipe(passed);
      to.on("close", () => passed.destroy());
      passed.on("error", () => to.destroy());
    });
    const listen = (port: number) =>
      new Promise<void>((resolve) => proxy.listen(port, "127.0.0.1", resolve));
    const close = (): void => {
      proxy.close();
      proxy.closeAllConnections();
    };
    await listen(0);
    after(close);
    const address = proxy.address();
    assert.ok(typeof address === "object" && address !== null);
    const url = `http://127.0.0.1:${address.port}${prefix}/`;
    await using tab = await openTab({ ...subnet, url }, `tasks/${cube}`);
    const { page } = tab;
    await page.getByRole("heading", { name: "a red cube" }).waitFor();
    await page.getByRole("link", { name: "Overview" }).click();
    const live = page.getByText("live", { exact: true });
    await live.waitFor();
    assert.equal(page.url(), url);
    assert.deepEqual(tab.faults, []);
    close();
    await page.getByText("reconnecting", { exact: true }).waitFor();
    await listen(address.port);
    await live.waitFor();
  });

  it("shows a copy in pages of others, and a file from the disk in its place", async () => {
    const copyId = await winnerOf(subnet.url, cube);
    await using tab = await openTab(subnet, `embed?copy=${copyId}`, { viewport: small });
    const { page } = tab;
    await page.getByText("drawn by Spark").waitFor();
    await page.getByRole("button", { name: "Next scored view" }).click();
    await page.getByText(/^view \d+ of 36: /).waitFor();
    await drop(page, "ball.ply", Buffer.from(writePly(ball(200, createRandom(4)))));
    await page.getByText("200 splats ·").waitFor();
    await drop(page, "cut.ply", Buffer.from("ply\nformat"));
    await page.locator(".viewer-fault").waitFor();
    assert.deepEqual(tab.faults, []);
  });

  it("turns two copies of a task under the same camera, side by side", async () => {
    await using two = await startSubnetPage({ miners: 2 });
    const { id } = await two.client.create("a red cube");
    for await (const _ of two.client.watch(id)) {
      // until it has ended
    }
    await using tab = await openTab(two, `tasks/${id}`, { viewport: { width: 800, height: 600 } });
    const { page } = tab;
    await page.getByRole("button", { name: /^compare/, disabled: false }).click();
    await page.getByRole("button", { name: "Turn it in 3D" }).first().click();
    await page.getByText("drawn by Spark").nth(1).waitFor();
    await page.getByRole("button", { name: "Next scored view" }).first().click();
    await page.getByText("view 2 of 36: ").nth(1).waitFor();
    await page.locator("canvas.viewer-canvas").nth(1).press("ArrowRight");
    await page
      .getByText(/^azimuth /)
      .nth(1)
      .waitFor();
    const [left, right] = await page.getByText(/^azimuth /).allTextContents();
    assert.equal(left, right);
    assert.deepEqual(tab.faults, []);
  });

  it("gives its stream back while nobody looks", async () => {
    await using tab = await openTab(subnet, "tasks");
    const { page } = tab;
    const live = page.getByText("live", { exact: true });
    await live.waitFor();
    await page.clock.install();
    const isStream = (request: Request): boolean => request.url().endsWith("WatchOverview");
    const ended = page.waitForEvent("requestfailed", isStream);
    await lookAway(page, true);
    await page.clock.fastForward(5_000);
    await ended;
    const again = page.waitForEvent("request", isStream);
    await lookAway(page, false);
    await page.clock.fastForward(15_000);
    await again;
    await live.waitFor();
    assert.deepEqual(tab.faults, []);
  });

  it("has no violation that axe finds, light or dark, wide or narrow", async () => {
    await using tab = await openTab(subnet, "");
    const { page } = tab;
    const found: string[] = [];
    const hotkey = await page.locator("a.mono").first().getAttribute("href");
    for (const path of [
      "",
      "tasks",
      `tasks/${cube}`,
      hotkey ?? "",
      "try",
      "viewer",
      `operator#key=${subnet.operatorKey}`,
      "nowhere/at/all",
    ]) {
      if (path.startsWith("nowhere")) {
        await page.evaluate(
          `history.pushState(0, "", "${path}"); dispatchEvent(new PopStateEvent("popstate"))`,
        );
      } else {
        await page.goto(new URL(path, subnet.url).href);
      }
      await page.locator("h1").first().waitFor({ state: "attached" });
      await page.locator(".loading").first().waitFor({ state: "detached" });
      for (const [colorScheme, width, which] of [
        ["light", 1440, "all"],
        ["dark", 1440, "look"],
        ["dark", 390, "all"],
        ["light", 390, "look"],
      ] as const) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 900 });
        const where = `${path}, ${colorScheme}, ${width}`;
        const violations = await violationsOn(page, which);
        found.push(...violations.map((violation) => `${where}: ${violation}`));
        const spare = await spareOf(page);
        found.push(...(spare > 0 ? [`${where}: ${spare} pixels too wide`] : []));
      }
    }
    assert.deepEqual([...found, ...tab.faults], []);
  });
});

/** By how many pixels the page is too wide; charts follow the width a moment later. */
function spareOf(page: Page): Promise<number> {
  return page.evaluate(`new Promise((resolve) => {
    const until = performance.now() + 10_000;
    const look = () => {
      const spare = document.documentElement.scrollWidth - innerWidth;
      spare <= 0 || performance.now() > until ? resolve(spare) : requestAnimationFrame(look);
    };
    look();
  })`);
}

/** Drops a file on the middle of the page, as from a file manager. */
async function drop(page: Page, name: string, content: Buffer): Promise<void> {
  const bytes = content.toString("base64");
  await page.evaluate(`(() => {
    const bytes = Uint8Array.from(atob("${bytes}"), (character) => character.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes], "${name}"));
    const at = document.querySelector(".drop") ?? document.body;
    for (const kind of ["dragover", "drop"]) {
      at.dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }));
    }
  })()`);
}

/** As when another tab is chosen, which a headless browser does not tell. */
async function lookAway(page: Page, hidden: boolean): Promise<void> {
  await page.evaluate(`Object.defineProperty(document, "hidden", { configurable: true, value: ${hidden} });
    document.dispatchEvent(new Event("visibilitychange"))`);
}

/** Whether a canvas has more than one colour. */
function isDrawn(page: Page, selector: string): Promise<boolean> {
  return page.evaluate(`(() => {
    const canvas = document.querySelector(${JSON.stringify(selector)});
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size > 1;
  })()`);
}

function focused(page: Page): Promise<string> {
  return page.evaluate("document.activeElement.textContent");
}
