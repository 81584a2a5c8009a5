import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type KnownModel, PullError, pullModel, readKnownModels } from "./index.ts";

const model: KnownModel = {
  name: "m",
  description: "",
  repository: "owner/m",
  revision: "main",
  graphs: ["onnx/vision_model.onnx"],
  sha256: {},
  files: ["config.json", "onnx/vision_model.onnx"],
};

/** A hub on this machine that knows ranges; the next answer stops at `cutAfter` bytes until `cut` ends it. */
async function startHub() {
  const files = new Map([
    ["config.json", Buffer.from("{}")],
    ["onnx/vision_model.onnx", Buffer.alloc(100_000, 7)],
  ]);
  const state: { cutAfter: number | undefined; cut: () => void } = {
    cutAfter: undefined,
    cut: () => {},
  };
  const asked: (readonly [string, string | undefined])[] = [];
  const server = createServer((request, response) => {
    const name = (request.url ?? "").replace("/owner/m/resolve/main/", "");
    asked.push([name, request.headers.range]);
    const content = files.get(name);
    if (content === undefined) {
      return response.writeHead(404).end();
    }
    const etag = `"${content[0]}-${content.length}"`;
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    const isRest = from > 0 && request.headers["if-range"] === etag;
    const body = content.subarray(isRest ? from : 0);
    response.writeHead(isRest ? 206 : 200, { "content-length": body.length, etag });
    if (state.cutAfter === undefined || name === "config.json") {
      return response.end(body);
    }
    response.write(body.subarray(0, state.cutAfter));
    state.cut = () => response.destroy();
    state.cutAfter = undefined;
    return undefined;
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const directory = await mkdtemp(join(tmpdir(), "turntable-pull-"));
  const { port } = server.address() as AddressInfo; // a listening TCP server has one
  return {
    files,
    state,
    asked,
    directory,
    options: { hub: `http://127.0.0.1:${port}/`, directory },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(directory, { recursive: true });
    },
  };
}

test("fetches every file once, and tells how far it is", async () => {
  await using hub = await startHub();
  const seen: number[] = [];
  await pullModel(model, {
    ...hub.options,
    onProgress: (_, done, total) => seen.push(done / (total ?? Number.NaN)),
  });
  assert.equal(seen.at(-1), 1);
  const written = await readFile(join(hub.directory, "onnx/vision_model.onnx"));
  assert.ok(written.equals(hub.files.get("onnx/vision_model.onnx") ?? Buffer.alloc(0)));
  assert.deepEqual((await readdir(hub.directory)).sort(), ["config.json", "onnx", "pins.json"]);
  await pullModel(model, hub.options);
  assert.equal(hub.asked.length, 2);
});

test("goes on where it broke off, and begins again when the hub has another file", async () => {
  await using hub = await startHub();
  const pullCut = (at: number): Promise<void> => {
    hub.state.cutAfter = at;
    const onProgress = (file: string, done: number): void => {
      if (file !== "config.json" && done % 30_000 === 0) {
        hub.state.cut();
      }
    };
    return pullModel(model, { ...hub.options, onProgress });
  };
  await assert.rejects(pullCut(30_000), { code: "interrupted" });
  assert.deepEqual(await readdir(join(hub.directory, "onnx")), [
    "vision_model.onnx.part",
    "vision_model.onnx.part.etag",
  ]);
  await assert.rejects(pullCut(30_000), { code: "interrupted" });
  hub.files.set("onnx/vision_model.onnx", Buffer.alloc(90_000, 8));
  await pullModel(model, hub.options);
  const ranges = hub.asked.filter(([name]) => name !== "config.json").map(([, range]) => range);
  assert.deepEqual(ranges, [undefined, "bytes=30000-", "bytes=60000-"]);
  const written = await readFile(join(hub.directory, "onnx/vision_model.onnx"));
  assert.ok(written.equals(Buffer.alloc(90_000, 8)));
});

test("what was pinned on first use is not replaced by something else", async () => {
  await using hub = await startHub();
  await pullModel(model, hub.options);
  const target = join(hub.directory, "onnx/vision_model.onnx");
  await writeFile(target, "damaged");
  hub.files.set("onnx/vision_model.onnx", Buffer.alloc(100_000, 9));
  await assert.rejects(pullModel(model, hub.options), (error) => {
    return (
      error instanceof PullError && error.code === "checksum" && /pins\.json/.test(error.message)
    );
  });
  hub.files.set("onnx/vision_model.onnx", Buffer.alloc(100_000, 7));
  await pullModel(model, hub.options);
  assert.equal((await readFile(target)).length, 100_000);
});

test("no hub, or no such file, is one clear message", async () => {
  await using hub = await startHub();
  hub.files.delete("config.json");
  await assert.rejects(pullModel(model, hub.options), { code: "refused", message: /answered 404/ });
  const nowhere = { ...hub.options, hub: "http://127.0.0.1:1" };
  await assert.rejects(pullModel(model, nowhere), { code: "unreachable", message: /--hub/ });
});

test("the manifest that comes with the project is sound", async () => {
  const known = await readKnownModels();
  assert.ok(known.length > 0);
  for (const { files } of known) {
    assert.ok(files.includes("tokenizer.json"));
  }
});
