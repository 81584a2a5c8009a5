import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { DownloadAssetRequestSchema } from "@turntable/proto";
import { RpcError, statusCodes } from "@turntable/proto/rpc";
import { callBy, openGeneration, refusedWith, submitted } from "../../../test/generation.ts";
import { downloadAsset } from "./download-asset.ts";

const request = (taskId: string) => create(DownloadAssetRequestSchema, { taskId });

async function partsOf(answers: ReturnType<ReturnType<typeof downloadAsset>>) {
  const parts = [];
  for await (const { part } of answers) {
    parts.push(part);
  }
  return parts;
}

async function* pieces(bytes: Uint8Array) {
  for (let at = 0; at < bytes.length; at += 1024 * 1024) {
    yield bytes.subarray(at, at + 1024 * 1024);
  }
}

test("first what the asset is, then its bytes piece by piece", async () => {
  const bytes = new Uint8Array(2.5 * 1024 * 1024).map((_, i) => i % 251);
  const asked: string[] = [];
  using opened = openGeneration({
    async readAsset(sha256) {
      asked.push(sha256);
      return pieces(bytes);
    },
  });
  const { id } = opened.create();
  opened.judged("accepted", 0.9);
  const [asset, ...chunks] = await partsOf(
    downloadAsset(opened.options)(request(id), callBy("alice")),
  );
  assert.deepEqual(asked, [submitted.assetSha256]);
  assert.ok(asset?.case === "asset");
  assert.equal(asset.value.sizeBytes, 3n);
  const values = chunks.map((part) =>
    part?.case === "chunk" ? Buffer.from(part.value ?? []) : assert.fail(),
  );
  assert.deepEqual(
    values.map(({ length }) => length),
    [1024 * 1024, 1024 * 1024, 512 * 1024],
  );
  assert.ok(Buffer.concat(values).equals(bytes));
});

test("without a result there is nothing to download, and the answer says what to do", async () => {
  using opened = openGeneration();
  const { id } = opened.create();
  const handle = downloadAsset(opened.options);
  const refused = (text: RegExp) => refusedWith(statusCodes.FAILED_PRECONDITION, text);
  await assert.rejects(partsOf(handle(request(id), callBy("alice"))), refused(/watch it until/));
  opened.tasks.tick(1_800_000_000_000, () => new Set());
  await assert.rejects(partsOf(handle(request(id), callBy("alice"))), refused(/failed/));
  await assert.rejects(
    partsOf(handle(request(id), callBy("bob"))),
    refusedWith(statusCodes.NOT_FOUND),
  );
});

test("an asset that is gone is a fault of ours", async () => {
  using opened = openGeneration({ readAsset: async () => undefined });
  const { id } = opened.create();
  opened.judged("accepted", 0.9);
  await assert.rejects(
    partsOf(downloadAsset(opened.options)(request(id), callBy("alice"))),
    (error) => !(error instanceof RpcError) && /is gone/.test(String(error)),
  );
});

test("a client has so many downloads at one time, and another when one has ended", async () => {
  using opened = openGeneration({ maxDownloads: 2 });
  const { id } = opened.create();
  opened.judged("accepted", 0.9);
  const handle = downloadAsset(opened.options);
  const start = async (client = "alice") => {
    const answers = handle(request(id), callBy(client))[Symbol.asyncIterator]();
    await answers.next();
    return answers;
  };
  const first = await start();
  await start();
  await assert.rejects(start(), refusedWith(statusCodes.RESOURCE_EXHAUSTED, /2 downloads run/));
  await first.return?.(undefined);
  await start();
});

test("a download goes on at an offset, up to the asset's end and not beyond", async () => {
  const asked: number[] = [];
  using opened = openGeneration({
    async readAsset(_sha256, offset) {
      asked.push(offset);
      return pieces(Uint8Array.of(1, 2, 3).subarray(offset));
    },
  });
  const { id } = opened.create();
  opened.judged("accepted", 0.9);
  const handle = downloadAsset(opened.options);
  const at = async (offset: bigint) => {
    const answers = [];
    const asking = create(DownloadAssetRequestSchema, { taskId: id, offset });
    for await (const { part, offset: from } of handle(asking, callBy("alice"))) {
      answers.push(part?.case === "chunk" ? [...(part.value ?? [])] : from);
    }
    return answers;
  };
  assert.deepEqual(await at(2n), [2n, [3]]);
  assert.deepEqual(await at(3n), [3n]);
  await assert.rejects(
    at(4n),
    refusedWith(statusCodes.OUT_OF_RANGE, /offset is 4, the asset has 3 bytes/),
  );
  assert.deepEqual(asked, [2, 3]);
});
