/**
 * Makes the pictures of the web page over a market of three miners: `npm run screenshots [-- DIRECTORY]`, into docs/page.
 * They are to be looked at before they are committed.
 */
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Page } from "playwright-core";
import sharp from "sharp";
import { z } from "zod";
import { openTab, type SubnetPage, startSubnetPage, winnerOf } from "./subnet.ts";

const directory = resolve(process.argv[2] ?? join(import.meta.dirname, "../../docs/page"));
/** So many tasks have ended before the pictures are taken: charts and lists are not empty. */
const endedWanted = 12;
const lookMs = 1_000;
const widths = [1440, 390] as const;
const quality = 82;
/** A browser without a GPU, beside a subnet that renders, is slow. */
const shotTimeoutMs = 120_000;

interface Shot {
  readonly name: string;
  readonly path: string;
  readonly schemes: readonly ("light" | "dark")[];
  /** Resolves when the page is as it should be seen. */
  ready(page: Page): Promise<unknown>;
}

const overviewSchema = z.object({
  overview: z.object({
    tasks: z.object({ minutes: z.array(z.record(z.string(), z.unknown())) }),
    leaders: z.object({ miners: z.array(z.object({ hotkey: z.string() })).default([]) }),
  }),
});

async function overviewOf(url: string) {
  const answer = await fetch(new URL("turntable.v1.SubnetService/GetOverview", url), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });
  return overviewSchema.parse(await answer.json()).overview;
}

/** Until so many tasks have ended that the page has something to show. @returns the best miner's hotkey */
async function grown(url: string): Promise<string> {
  for (;;) {
    const { tasks, leaders } = await overviewOf(url);
    const counts = tasks.minutes.flatMap((minute) => Object.values(minute));
    const ended = counts.reduce<number>(
      (sum, value) => sum + (typeof value === "number" ? value : 0),
      0,
    );
    const [best] = leaders.miners;
    if (ended >= endedWanted && best !== undefined) {
      return best.hotkey;
    }
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}

function shotsOf(
  taskId: string,
  copyId: string,
  hotkey: string,
  { operatorKey }: SubnetPage,
): readonly Shot[] {
  return [
    {
      name: "overview",
      path: "",
      schemes: ["light", "dark"],
      ready: (page) => page.getByText(/^view \d+:/).waitFor(),
    },
    {
      name: "tasks",
      path: "tasks",
      schemes: ["light"],
      ready: (page) => page.locator("tbody tr").first().waitFor(),
    },
    {
      name: "task",
      path: `tasks/${taskId}`,
      schemes: ["light", "dark"],
      ready: (page) => page.getByText("views as they were scored").waitFor(),
    },
    {
      name: "miner",
      path: `miners/${hotkey}`,
      schemes: ["light"],
      ready: (page) => page.locator(".lines canvas").nth(1).waitFor(),
    },
    {
      name: "try",
      path: "try?prompt=a%20blue%20vase",
      schemes: ["light"],
      ready: (page) => page.getByText("drawn by").waitFor(),
    },
    {
      name: "viewer",
      path: `viewer?copy=${copyId}`,
      schemes: ["dark"],
      ready: (page) => page.getByText("drawn by").waitFor(),
    },
    {
      name: "operator",
      path: `operator#key=${operatorKey}`,
      schemes: ["light"],
      async ready(page) {
        await page.getByRole("button", { name: "Plan now" }).click();
        await page.locator(".steps li").first().waitFor();
      },
    },
  ];
}

/** The whole page, with nothing half drawn on it: what ends meanwhile may begin another picture. */
async function pictureOf(page: Page, ready: Shot["ready"]): Promise<Buffer> {
  for (;;) {
    await ready(page);
    const png = await page.screenshot({ fullPage: true, timeout: shotTimeoutMs });
    if ((await page.getByText(/^drawing \d+ of/i).count()) === 0) {
      return png;
    }
  }
}

await using subnet = await startSubnetPage({ miners: 3, demoMarket: true });
await mkdir(directory, { recursive: true });
const { id } = await subnet.client.create("a red car");
for await (const _ of subnet.client.watch(id)) {
  // until it has ended
}
const copyId = await winnerOf(subnet.url, id);
const hotkey = await grown(subnet.url);
for (const { name, path, schemes, ready } of shotsOf(id, copyId, hotkey, subnet)) {
  for (const width of widths) {
    for (const colorScheme of schemes) {
      const viewport = { width, height: 900 };
      // What turns by itself keeps a browser without a GPU from ever being done with a picture.
      const context = { viewport, colorScheme, reducedMotion: "reduce" } as const;
      await using tab = await openTab(subnet, path, context);
      tab.page.setDefaultTimeout(shotTimeoutMs);
      const png = await pictureOf(tab.page, ready);
      const file = join(directory, `${name}-${width}-${colorScheme}.webp`);
      await sharp(png).webp({ quality }).toFile(file);
      console.log([file, ...tab.faults].join("\n  "));
    }
  }
}
