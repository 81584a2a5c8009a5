/** Accepted assets go to a real S3 server, whatever that and the coordinator go through. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  S3Client,
} from "@aws-sdk/client-s3";
import { ROOT_CONTEXT } from "@opentelemetry/api";
import { keypairFromUri, ready } from "@turntable/bittensor/keys";
import { createS3 } from "@turntable/coordinator/internal";
import { mine, noPromises, scoreOf, work } from "../crash/actors.ts";
import { freePort } from "../harness/free-port.ts";
import { startNatsServer } from "../harness/nats-server.ts";
import { startProcess } from "../harness/process.ts";
import { ensureS3Server, startS3Server } from "../harness/s3-server.ts";

const bucket = "assets";

async function openS3(t: TestContext, python: string) {
  const server = await startS3Server(python, await freePort());
  t.after(() => server[Symbol.asyncDispose]());
  const client = new S3Client({
    ...{ endpoint: server.url, region: "us-east-1", forcePathStyle: true },
    credentials: {
      accessKeyId: server.env.AWS_ACCESS_KEY_ID ?? "",
      secretAccessKey: server.env.AWS_SECRET_ACCESS_KEY ?? "",
    },
  });
  t.after(() => client.destroy());
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  return {
    server,
    objects: async () =>
      (await client.send(new ListObjectsV2Command({ Bucket: bucket }))).Contents ?? [],
    async text(key: string): Promise<string> {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      return (await Body?.transformToString()) ?? assert.fail(`${key} is not there`);
    },
  };
}

test("what is there is not stored again; a wrong key or bucket is a store that is away", async (t) => {
  const environment = await ensureS3Server();
  if (environment.kind === "missing") {
    return t.skip(environment.reason);
  }
  const { server, objects } = await openS3(t, environment.python);
  const submission = {
    ...{ id: "1", sequence: 1, validator: "V", assetSha256: "ab".repeat(32), assetSizeBytes: 4 },
    ...{ assetKept: true, format: "ply", formatVersion: 0, compression: 0, submitTime: 1n },
    ...{ signature: new Uint8Array(64), protocolYear: "2024" as const, receivedAt: 0 },
    ...{ trace: ROOT_CONTEXT, dispatch: 0, replica: 0, secondLook: false, feedback: undefined },
  };
  const item = { submission, prompt: "“ein” roter Würfel", miner: "M", bytes: Buffer.from("abcd") };
  const store = async (env: Readonly<Record<string, string>>, name: string) => {
    Object.assign(process.env, env);
    const place = { bucket: name, region: "us-east-1", endpoint: server.url, prefix: "pre/" };
    await using s3 = createS3("s3", place);
    return await s3.store(item, 0, AbortSignal.timeout(20_000));
  };
  t.after(() => {
    for (const name of Object.keys(server.env)) {
      delete process.env[name];
    }
  });
  assert.equal(await store(server.env, bucket), `pre/${"ab".repeat(32)}.ply`);
  const before = await objects();
  assert.equal(before.length, 2);
  await sleep(1_000); // the store's clock has seconds
  await store(server.env, bucket);
  assert.deepEqual(await objects(), before);
  const away = { name: "StorageAwayError" };
  await assert.rejects(store(server.env, "nobodys"), { ...away, message: /^NoSuchBucket: / });
  const wrong = { ...server.env, AWS_SECRET_ACCESS_KEY: "x".repeat(40) };
  await assert.rejects(store(wrong, bucket), { ...away, message: /^SignatureDoesNotMatch: / });
});

test("what is accepted while the store hangs is stored after kill -9, once, and no verdict waits for it", async (t) => {
  const environment = await ensureS3Server();
  if (environment.kind === "missing") {
    return t.skip(environment.reason);
  }
  await ready();
  const { server, objects, text } = await openS3(t, environment.python);
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "turntable-storage-"));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const nats = stack.use(await startNatsServer());
  const validator = keypairFromUri("//Alice");
  const keys = Array.from({ length: 4 }, (_, n) => keypairFromUri(`//Stored${n}`));
  const start = async () => {
    const coordinator = stack.use(
      startProcess(
        "turntable-coordinator",
        [
          ...["--hotkey-uri", "//Alice", "--rules", "local", "--data-dir", directory],
          ...keys.flatMap(({ ss58 }) => ["--chain-register", ss58]),
          ...[
            "--nats-servers",
            nats.url,
            "--http-port",
            "0",
            "--grpc-port",
            "0",
            "--axon-port",
            "0",
          ],
          ...["--storage-s3-bucket", bucket, "--storage-s3-endpoint", server.url],
        ],
        server.env,
      ),
    );
    const line = await coordinator.logged(({ msg }) => msg === "ready");
    const portOf = (address: unknown): number => Number(String(address).split(":").at(-1));
    const target = { ip: "127.0.0.1", port: portOf(line.axon), hotkey: validator.ss58 };
    return { coordinator, target };
  };

  server.pause();
  const first = await start();
  const promises = noPromises();
  const stop = new AbortController();
  const load = Promise.all([
    work([nats.url], promises, stop.signal),
    ...keys.map((key) => mine(key, { ...first, validator }, promises, stop.signal, stop.signal)),
  ]);
  const accepted = () => promises.told.filter(({ verdict }) => verdict === "accepted");
  while (accepted().length < 2) {
    await sleep(20);
  }
  await first.coordinator.kill9();
  assert.ok(!first.coordinator.output().includes("asset stored"), "it hung all the time");
  stop.abort();
  await load;
  server.resume();

  const second = await start();
  for (const _ of accepted()) {
    await second.coordinator.logged(({ msg }) => msg === "asset stored");
  }
  const told = second.coordinator.output().matchAll(/"content_id":"([0-9a-f]{64})\.ply"/g);
  const stored = [...told].map(([, sha256]) => sha256);
  assert.equal(new Set(stored).size, stored.length, "nothing was stored twice");
  const names = (await objects()).map(({ Key }) => Key);
  for (const sha256 of stored) {
    assert.ok(names.includes(`${sha256}.ply`));
    const about = JSON.parse(await text(`${sha256}.json`));
    assert.ok(keys.some(({ ss58 }) => ss58 === about.miner));
    assert.equal(about.score, scoreOf(about.submission));
    assert.equal((await text(`${sha256}.ply`)).length, about.bytes);
  }
  await second.coordinator.stop();
  for (const { coordinator } of [first, second]) {
    const secret = server.env.AWS_SECRET_ACCESS_KEY ?? assert.fail();
    assert.ok(!coordinator.output().includes(secret), "a secret is in the log");
  }
});
