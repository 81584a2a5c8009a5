import assert from "node:assert/strict";
import { createServer } from "node:net";
import { describe, it, type TestContext, test } from "node:test";
import { startGenerator } from "../test/subnet.ts";
import { type GenerationLimits, requestGeneration, seedFor } from "./generation.ts";

const never = new AbortController().signal;

async function reasonOf(url: string, limits: Partial<GenerationLimits> = {}): Promise<string> {
  const made = await requestGeneration(url, "a cube", {
    timeoutMs: 5_000,
    signal: never,
    ...limits,
  });
  return made.kind === "failed" ? made.reason : assert.fail("it was made");
}

async function answering(t: TestContext, status: number, text: string): Promise<string> {
  const { url } = await startGenerator(t, (_prompt, response) => {
    response.writeHead(status).end(text);
    return undefined;
  });
  return url;
}

describe("requestGeneration", () => {
  it("posts the prompt as a form and decodes the answer", async (t) => {
    let seen: unknown[] = [];
    const generator = await startGenerator(t, (prompt, _response, { method, url, headers }) => {
      seen = [prompt, method, url, headers["content-type"]];
      return Buffer.from("bytes");
    });
    const prompt = "a räd & blue cube=1+1";
    const limits = { timeoutMs: 5_000, signal: never };
    const made = await requestGeneration(generator.url, prompt, limits);
    assert.deepEqual(made, { kind: "made", bytes: Buffer.from("bytes") });
    assert.deepEqual(seen, [prompt, "POST", "/generate/", "application/x-www-form-urlencoded"]);
    await requestGeneration(`${generator.url}/own/path`, prompt, limits);
    assert.equal(seen[2], "/own/path");
  });

  it("takes an asset's bytes as well, which endpoints of 2025 send", async (t) => {
    const assets = [
      Buffer.from([...Buffer.from("ply\nformat binary_little_endian 1.0\n"), 0, 255, 128, 10, 32]),
      Buffer.from([0x1f, 0x8b, 8, 0, 255, 13, 10]),
      Buffer.from([...Buffer.from("NGSP"), 4, 0, 0, 0, 200]),
      Buffer.from([0x89, ...Buffer.from("HDF\r\n"), 0x1a, 0x0a, 0]),
    ];
    for (const asset of assets) {
      const { url } = await startGenerator(t, (_prompt, response) => {
        response.end(asset);
        return undefined;
      });
      const made = await requestGeneration(url, "a cube", { timeoutMs: 5_000, signal: never });
      assert.deepEqual(made, { kind: "made", bytes: asset });
    }
  });

  it("tells what is wrong with the endpoint", async (t) => {
    assert.equal(
      await reasonOf(await answering(t, 503, `busy ${"x".repeat(1_000)}`)),
      `the generation endpoint answered 503: busy ${"x".repeat(195)}`,
    );
    assert.match(await reasonOf(await answering(t, 302, "")), /answered 302/);
    for (const text of ["", "not base64!", "AAA", "=AAA"]) {
      assert.match(
        await reasonOf(await answering(t, 200, text)),
        /is neither an asset nor base64$/,
      );
    }
  });

  it("tells that nobody is there", async (t) => {
    const server = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
    t.after(() => server.close());
    await new Promise((resolve) => server.once("listening", resolve));
    const address = server.address();
    assert.ok(address !== null && typeof address === "object");
    assert.match(await reasonOf(`http://127.0.0.1:${address.port}`), /failed: socket hang up$/);
    assert.match(await reasonOf("http://127.0.0.1:1"), /failed: connect ECONNREFUSED/);
  });

  it("tells a cut answer from a whole one", async (t) => {
    const { url } = await startGenerator(t, (_prompt, response) => {
      response.writeHead(200, { "content-length": 8 }).write("AAAA");
      setImmediate(() => response.destroy());
      return undefined;
    });
    assert.match(await reasonOf(url), /failed: aborted$/);
  });

  it("gives up after its time, before and during the answer", async (t) => {
    const silent = await startGenerator(t, () => undefined);
    assert.equal(await reasonOf(silent.url, { timeoutMs: 20.5 }), "not generated within 0 s");
    const halting = await startGenerator(t, (_prompt, response) => {
      response.write("AAAA");
      return undefined;
    });
    assert.equal(await reasonOf(halting.url, { timeoutMs: 100 }), "not generated within 0 s");
  });

  it("throws the reason of the caller's own signal", async (t) => {
    const stop = new AbortController();
    const generator = await startGenerator(t, () => {
      stop.abort(new Error("enough"));
      return undefined;
    });
    await assert.rejects(reasonOf(generator.url, { signal: stop.signal }), /enough/);
  });
});

test("each task and each miner has a seed of its own, the same each time", () => {
  const seeds = [seedFor("t1", "A"), seedFor("t1", "B"), seedFor("t2", "A")];
  assert.equal(new Set(seeds).size, 3);
  assert.equal(seedFor("t1", "A"), seeds[0]);
  for (const seed of seeds) {
    assert.ok(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32);
  }
});
