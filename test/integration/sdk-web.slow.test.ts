/** What the SDK does in browsers: its web entry against a real coordinator, and the page of `turntable view`. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { keypairFromUri, ready } from "@turntable/bittensor/keys";
import { generate } from "@turntable/generation";
import { writePly } from "@turntable/splat";
import type { Browser } from "playwright-core";
import { rolldown } from "rolldown";
import { answerTasks } from "../harness/answer-tasks.ts";
import { chromiumMissing, launchChromium } from "../harness/chromium.ts";
import { startTestSubnet } from "../harness/coordinator.ts";

const root = join(import.meta.dirname, "../..");
const directory = mkdtempSync(join(tmpdir(), "turntable-web-"));
after(() => rmSync(directory, { recursive: true }));

describe("in a browser", { skip: chromiumMissing }, () => {
  let browser: Browser;
  before(async () => {
    browser = await launchChromium();
  });
  after(() => browser.close());

  it("makes an asset over the Connect protocol, and learns why not", async () => {
    await using stack = new AsyncDisposableStack();
    const script = await bundled(`
      import { createTurntableClient, verifyAssetOrigin } from "@turntable/client/web";
      globalThis.run = async (baseUrl) => {
        const client = createTurntableClient({ baseUrl });
        const kinds = [];
        const progress = [];
        const { asset, bytes, task } = await client.generate("a red cube", {
          onProgress: ({ kind }) => kinds.push(kind),
          onDownload: ({ doneBytes }) => progress.push(doneBytes),
        });
        const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
        const refused = await client.create(" ").catch(({ name, code, fields }) => ({ name, code, fields }));
        const left = new AbortController();
        const open = await client.create("a blue cube");
        const watching = client.watch(open.id, { signal: left.signal })[Symbol.asyncIterator]();
        await watching.next();
        const ended = watching.next().catch((reason) => reason);
        left.abort("enough");
        return {
          kinds, hash: [...hash], refused, ended: await ended, done: progress.at(-1),
          origin: (await verifyAssetOrigin(asset)).kind, listed: (await client.list()).tasks.length,
        };
      };`);
    const page = `<!doctype html><script type="module">${script}</script>`;
    const server = createServer((_request, response) => {
      response.setHeader("content-type", "text/html; charset=utf-8").end(page);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    stack.defer(() => void server.close());
    const address = server.address();
    assert.ok(typeof address === "object" && address !== null);
    const origin = `http://127.0.0.1:${address.port}`;
    const subnet = stack.use(
      await startTestSubnet({
        grpc: { host: "127.0.0.1", port: 0, keys: undefined, corsOrigins: [origin] },
      }),
    );
    const bytes = randomBytes(3_000_000);
    stack.use(answerTasks(subnet, () => bytes));
    const tab = await browser.newPage();
    stack.defer(() => tab.close());
    await tab.goto(origin);
    const baseUrl = `http://127.0.0.1:${subnet.coordinator.httpPort}`;
    const found = await tab.evaluate(`run(${JSON.stringify(baseUrl)})`);
    const { subtle } = globalThis.crypto;
    const hash = [...new Uint8Array(await subtle.digest("SHA-256", bytes))];
    assert.deepEqual(found, {
      kinds: ["created", "assigned", "submitted", "accepted", "succeeded"],
      hash,
      refused: {
        name: "CallFailedError",
        code: "invalid-argument",
        fields: [{ field: "prompt", description: "is empty; say what to make" }],
      },
      ended: "enough",
      done: bytes.length,
      origin: "verified",
      listed: 2,
    });
  });

  it("signs its calls by a wallet that the page has, in place of a key", async () => {
    await ready();
    await using stack = new AsyncDisposableStack();
    const script = await bundled(`
      import { createTurntableClient, walletSigner } from "@turntable/client/web";
      globalThis.run = async (baseUrl, hotkey, validator) => {
        const signCall = walletSigner({ hotkey, validator, sign: (text) => globalThis.sign(text) });
        const client = createTurntableClient({ baseUrl, signCall });
        const { bytes } = await client.generate("a red cube");
        const forged = createTurntableClient({
          baseUrl, retry: { patienceMs: 0 },
          signCall: walletSigner({ hotkey, validator, sign: () => "00".repeat(64) }),
        });
        const refused = await forged.list().catch(({ code }) => code);
        const vague = createTurntableClient({
          baseUrl, retry: { patienceMs: 0 },
          signCall: walletSigner({ hotkey, validator, sign: () => "0x" }),
        });
        return { size: bytes.length, refused, vague: await vague.list().catch(({ message }) => message) };
      };`);
    const page = `<!doctype html><script type="module">${script}</script>`;
    const server = createServer((_request, response) => {
      response.setHeader("content-type", "text/html; charset=utf-8").end(page);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    stack.defer(() => void server.close());
    const address = server.address();
    assert.ok(typeof address === "object" && address !== null);
    const origin = `http://127.0.0.1:${address.port}`;
    const hotkey = keypairFromUri("//Client");
    const subnet = stack.use(
      await startTestSubnet({
        grpc: {
          ...{ host: "127.0.0.1", port: 0, keys: [], corsOrigins: [origin] },
          wallets: { hotkeys: [hotkey.ss58] },
        },
      }),
    );
    stack.use(answerTasks(subnet, () => randomBytes(1_000)));
    const tab = await browser.newPage();
    stack.defer(() => tab.close());
    // As the polkadot extension signs what is no transaction.
    await tab.exposeFunction(
      "sign",
      (text: string) => `0x${Buffer.from(hotkey.sign(`<Bytes>${text}</Bytes>`)).toString("hex")}`,
    );
    await tab.goto(origin);
    const words = [
      `http://127.0.0.1:${subnet.coordinator.httpPort}`,
      ...[hotkey.ss58, subnet.validator.ss58],
    ];
    const found = await tab.evaluate(`run(${words.map((word) => JSON.stringify(word)).join()})`);
    assert.deepEqual(found, {
      size: 1_000,
      refused: "unauthenticated",
      vague: "sign gave no sr25519 signature: it has 64 bytes, or twice as many hexadecimal digits",
    });
  });

  it("shows an asset on the page that turntable view writes", async () => {
    const asset = join(directory, "car.ply");
    const file = join(directory, "car.html");
    writeFileSync(asset, writePly(generate({ prompt: "a red car", splats: 3_000 }).splat));
    const command = join(root, "client-sdk/bin/turntable");
    execFileSync(command, ["view", asset, "--out", file]);
    const tab = await browser.newPage({ viewport: { width: 300, height: 300 } });
    const faults: string[] = [];
    tab.on("pageerror", ({ message }) => faults.push(message));
    tab.on("request", (request) =>
      faults.push(...(request.url().startsWith("file:") ? [] : [request.url()])),
    );
    await tab.goto(`file://${file}`);
    await tab.waitForFunction("document.getElementById('state').textContent.endsWith('splats')");
    // In the same task as the drawing, before the browser has taken the picture away.
    const middle = await tab.evaluate(`new Promise((resolve) => {
      const gl = document.getElementById("view").getContext("webgl2");
      let frames = 0;
      const look = () => {
        if (frames++ < 3) return requestAnimationFrame(look);
        const pixels = new Uint8Array(gl.drawingBufferWidth * gl.drawingBufferHeight * 4);
        gl.readPixels(0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
        let red = 0, white = 0;
        for (let i = 0; i < pixels.length; i += 4) {
          const [r, g, b] = pixels.subarray(i, i + 3);
          if (r > 120 && g < 60 && b < 60) red++;
          if (r > 250 && g > 250 && b > 250) white++;
        }
        resolve({ red: red / (pixels.length / 4), white: white / (pixels.length / 4) });
      };
      requestAnimationFrame(look);
    })`);
    await tab.close();
    assert.deepEqual(faults, []);
    const { red, white } = middle as { readonly red: number; readonly white: number };
    assert.ok(red > 0.05 && red < 0.4, `${red} of the picture is red`);
    assert.ok(white > 0.4, `${white} of the picture is white`);
  });
});

/** A program and all that it imports as one script for browsers. @throws when a part of it needs Node */
async function bundled(program: string): Promise<string> {
  const entry = join(directory, "entry.js");
  const sdk = fileURLToPath(import.meta.resolve("@turntable/client/web"));
  writeFileSync(entry, program.replace("@turntable/client/web", sdk));
  await using bundle = await rolldown({
    input: entry,
    platform: "browser",
    logLevel: "warn",
    cwd: root,
    onwarn: (warning) => {
      throw new Error(warning.message);
    },
  });
  const { output } = await bundle.generate({ format: "esm", codeSplitting: false });
  const [chunk] = output;
  assert.doesNotMatch(chunk.code, /\bfrom "node:|\brequire\(/);
  // The end of a script element would end the page's script.
  return chunk.code.replaceAll("</script", "<\\/script");
}
