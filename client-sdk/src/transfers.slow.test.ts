/** Uploads and downloads in parts, with connections that break. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { status } from "@grpc/grpc-js";
import { ScoringState, ScoringStateSchema } from "@turntable/proto";
import { RpcError } from "@turntable/proto/rpc";
import {
  assetOf,
  connect,
  downloadOf,
  type ScoringHandlers,
  signedReportOf,
  startService,
  type TestHandlers,
} from "../test/service.ts";
import { CallFailedError, CorruptDownloadError, ScoringFailedError } from "./errors.ts";

const bytes = randomBytes(5_500);
const asset = assetOf(bytes);

/** Sends a part, breaks, and goes on at the offset that is asked for. */
function breaking(offsets: bigint[], keepsOffset: boolean): TestHandlers {
  return {
    async *downloadAsset({ offset }) {
      offsets.push(offset);
      const from = keepsOffset ? Number(offset) : 0;
      yield { part: { case: "asset", value: asset }, offset: BigInt(from) };
      const isFirst = offsets.length === 1;
      const end = isFirst ? 2_500 : bytes.length;
      for (let at = from; at < end; at += 1_000) {
        yield { part: { case: "chunk", value: bytes.subarray(at, Math.min(end, at + 1_000)) } };
      }
      if (isFirst) {
        throw new RpcError(status.UNAVAILABLE, "the store is away");
      }
    },
  };
}

describe("a download", () => {
  for (const [server, keepsOffset] of [
    ["a server that goes on where it was", true],
    ["a server of before, which begins anew", false],
  ] as const) {
    it(`is whole over a broken connection, from ${server}`, async (t) => {
      const offsets: bigint[] = [];
      const service = await startService(t, breaking(offsets, keepsOffset));
      const progress: number[] = [];
      const made = await connect(t, service).download("task-1", {
        onProgress: ({ doneBytes, sizeBytes }) => progress.push(doneBytes / sizeBytes),
      });
      assert.deepEqual(Buffer.from(made.bytes), bytes);
      assert.deepEqual(offsets, [0n, 2_500n]);
      assert.equal(progress.at(-1), 1);
      assert.deepEqual(
        progress,
        progress.toSorted((a, b) => a - b),
      );
    });
  }

  it("goes on from the bytes that were kept, which count for the hash", async (t) => {
    const offsets: bigint[] = [0n]; // not the first any more
    const service = await startService(t, breaking(offsets, true));
    const client = connect(t, service);
    const have = bytes.subarray(0, 4_000);
    const opened = await client.openDownload("task-1", { have });
    const rest: Uint8Array[] = [];
    for await (const chunk of opened.chunks) {
      rest.push(chunk);
    }
    assert.deepEqual(Buffer.concat([have, ...rest]), bytes);
    assert.deepEqual(offsets, [0n, 4_000n]);
    const wrong = await client.openDownload("task-1", { have: new Uint8Array(4_000) });
    await assert.rejects(async () => {
      for await (const _chunk of wrong.chunks) {
      }
    }, CorruptDownloadError);
  });

  it("does not join two assets", async (t) => {
    let tries = 0;
    const service = await startService(t, {
      async *downloadAsset() {
        tries++;
        const other = randomBytes(5_500);
        const parts = downloadOf(tries === 1 ? asset : assetOf(other), bytes);
        yield (await parts.next()).value;
        yield (await parts.next()).value;
        throw new RpcError(status.UNAVAILABLE, "the store is away");
      },
    });
    await assert.rejects(connect(t, service).download("task-1"), /another asset/);
  });
});

describe("score", () => {
  /** Takes an upload; `forgetOnce` loses what came last, as a server that was killed does. */
  function scoring(more: Partial<ScoringHandlers> = {}, forgetOnce = false) {
    let received = Buffer.alloc(0);
    let forgets = forgetOnce;
    const requests: string[] = [];
    const stand = () => ({
      id: "sc-1",
      prompt: "a red cube",
      sizeBytes: BigInt(large.length),
      receivedBytes: BigInt(received.length),
    });
    const handlers: Partial<ScoringHandlers> = {
      async createScoring(request) {
        assert.deepEqual(Buffer.from(request.sha256), createHash("sha256").update(large).digest());
        requests.push(request.requestId);
        return { scoring: { ...stand(), state: ScoringState.UPLOADING } };
      },
      async uploadAsset({ offset, chunk }) {
        if (forgets && received.length > 0) {
          received = Buffer.alloc(0);
          forgets = false;
        }
        if (offset > BigInt(received.length)) {
          throw new RpcError(status.OUT_OF_RANGE, `offset is ${offset}, 0 bytes have come`);
        }
        received = Buffer.concat([received.subarray(0, Number(offset)), chunk]);
        const complete = received.length === large.length;
        return { receivedBytes: BigInt(received.length), complete };
      },
      async getScoring() {
        return { scoring: { ...stand(), state: ScoringState.UPLOADING } };
      },
      async *watchScoring() {
        assert.deepEqual(received, large);
        yield { scoring: { ...stand(), state: ScoringState.QUEUED } };
        const report = await signedReportOf("");
        yield { scoring: { ...stand(), state: ScoringState.SCORED, report } };
      },
      ...more,
    };
    return { handlers, requests };
  }
  const large = randomBytes(2_500_000);

  for (const [kind, source] of [
    ["bytes", large],
    ["a file", new Blob([large])],
  ] as const) {
    it(`uploads ${kind} piece by piece and gives the report`, async (t) => {
      const { handlers } = scoring();
      const service = await startService(t, {}, handlers);
      const told: string[] = [];
      const report = await connect(t, service).score(source, "a red cube", {
        onProgress: ({ state, receivedBytes }) =>
          told.push(`${ScoringStateSchema.value[state]?.localName} ${receivedBytes}`),
      });
      assert.equal(report.score, 0.93);
      assert.deepEqual(told, [
        "UPLOADING 0",
        "UPLOADING 1048576",
        "UPLOADING 2097152",
        "UPLOADING 2500000",
        "QUEUED 2500000",
        "SCORED 2500000",
      ]);
    });
  }

  it("goes on where the server stands, also when it has lost some of it", async (t) => {
    const { handlers, requests } = scoring({}, true);
    const service = await startService(t, {}, handlers);
    await connect(t, service).score(large, "a red cube", { requestId: "again" });
    assert.deepEqual(requests, ["again"]);
  });

  it("says why there is no report", async (t) => {
    const failure = { code: "invalid-asset", message: "it is no asset" };
    const { handlers } = scoring({
      async *watchScoring() {
        yield { scoring: { id: "sc-1", state: ScoringState.FAILED, failure } };
      },
    });
    const service = await startService(t, {}, handlers);
    await assert.rejects(
      connect(t, service).score(large, "a red cube"),
      new ScoringFailedError("sc-1", "invalid-asset", "it is no asset"),
    );
  });

  it("does not try for ever where the server takes no more", async (t) => {
    const { handlers } = scoring({
      async uploadAsset() {
        throw new RpcError(status.OUT_OF_RANGE, "no");
      },
    });
    const service = await startService(t, {}, handlers);
    await assert.rejects(connect(t, service).score(large, "a red cube"), CallFailedError);
  });
});
