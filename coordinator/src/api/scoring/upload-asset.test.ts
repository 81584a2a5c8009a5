/** What an upload asks of the coordinator beside its bytes; those are the matter of scorings.test.ts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { UploadAssetRequestSchema } from "@turntable/proto";
import { statusCodes } from "@turntable/proto/rpc";
import { openApi } from "../../../test/api.ts";
import { callBy, refusedWith } from "../../../test/generation.ts";
import { uploadAsset } from "./upload-asset.ts";

test("no piece is written while the disk is full; it may come again when there is room", async () => {
  await using opened = await openApi();
  const { scorings } = opened;
  const scoringId = await opened.makeScoring("ann");
  let lack: string | undefined = "the disk is full";
  const upload = uploadAsset({
    ...{ scorings, limits: { assetBytes: 3 }, maxPromptChars: 10 },
    cancel: assert.fail,
    takesNothing: () => lack,
    stop: new AbortController().signal,
    now: () => 1_000,
  });
  const piece = create(UploadAssetRequestSchema, { scoringId, chunk: new Uint8Array(2) });
  const call = callBy("ann");
  await assert.rejects(upload(piece, call), refusedWith(statusCodes.UNAVAILABLE, /disk is full/));
  const scoring = scorings.get(scoringId) ?? assert.fail();
  assert.equal(await scorings.receivedBytes(scoring), 0);
  lack = undefined;
  assert.deepEqual(await upload(piece, call), { receivedBytes: 2n, complete: false });
});
