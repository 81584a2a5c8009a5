/**
 * The permissions of k8s/nats on a real server, with TLS: all that a role needs works, and each thing that it must not
 * do is tried.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect, errors, type NatsConnection, nkeys } from "@nats-io/transport-node";
import {
  connectJobCaller,
  connectJobQueue,
  connectJobSource,
  connectStateLog,
} from "@turntable/bus/nats";
import { registerTracing } from "@turntable/process";
import { describeJobQueue } from "../contract/job-queue.ts";
import {
  bytes,
  mustTake,
  nextAcked,
  openResults,
  patience,
  resultOf,
  testJob,
} from "../contract/job-queue-tools.ts";
import { createCertificates, noOpenssl } from "../harness/certificates.ts";
import { startNatsServer } from "../harness/nats-server.ts";

const folder = new URL("../../k8s/nats/", import.meta.url).pathname;
const configFiles = [`${folder}authorization.conf`, `${folder}permissions.conf`];
const roles = ["coordinator", "worker", "caller", "monitoring"] as const;
type Role = (typeof roles)[number];
const passwordOf = (role: Role): string => `secret-of-${role}`;
const env = Object.fromEntries(
  roles.map((role) => [`NATS_${role.toUpperCase()}_PASSWORD`, passwordOf(role)]),
);
const timeout = 60_000;
const scratch = mkdtempSync(join(tmpdir(), "turntable-permissions-"));
after(() => rmSync(scratch, { recursive: true }));

/** What a process of ours is told, its password in a file. */
function userOf(role: Role): { readonly user: string; readonly passwordFile: string } {
  const passwordFile = join(scratch, role);
  writeFileSync(passwordFile, `${passwordOf(role)}\n`);
  return { user: role, passwordFile };
}

describeJobQueue("over NATS with the permissions of its roles", async (options) => {
  await using stack = new AsyncDisposableStack();
  const extraConfig = 'include "authorization.conf"';
  const { url: servers } = stack.use(await startNatsServer({ extraConfig, configFiles, env }));
  const queue = stack.use(await connectJobQueue({ servers, ...userOf("coordinator"), ...options }));
  const opened = stack.move();
  return {
    queue,
    source: (workerId = "w1", jobClasses) =>
      connectJobSource({ servers, workerId, jobClasses, ...userOf("worker") }),
    async storedAssetMessages() {
      const pass = passwordOf("monitoring");
      const inboxPrefix = "_INBOX_monitoring";
      await using connection = await connect({ servers, user: "monitoring", pass, inboxPrefix });
      const { streams } = await jetstreamManager(connection);
      return (await streams.info("OBJ_assets")).state.messages;
    },
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
});

const tracing = registerTracing();
after(() => tracing[Symbol.dispose]());

interface Forbidden {
  readonly publish?: readonly (readonly [what: string, subject: string, payload?: object])[];
  readonly subscribe?: readonly string[];
}

const inboxesOfOthers = (role: Role): string[] => [
  ">",
  "_INBOX.>",
  "_INBOX_*.>",
  ...roles.filter((other) => other !== role).map((other) => `_INBOX_${other}.>`),
];
const streamsMadeOrEmptied = [
  "JOBS",
  "RESULTS",
  "DEAD_LETTERS",
  "HAND_BACKS",
  "OBJ_assets",
  "STATE",
  "STATE_FILES",
  "KV_coordinator",
].flatMap((stream) =>
  ["CREATE", "UPDATE", "DELETE", "PURGE", "MSG.DELETE"].map(
    (verb) => [`${verb} of ${stream}`, `$JS.API.STREAM.${verb}.${stream}`] as const,
  ),
);
const messagesRead = [
  ...["JOBS", "RESULTS", "DEAD_LETTERS", "KV_other"],
  ...["STATE", "STATE_FILES", "KV_coordinator"],
].flatMap(
  (stream) =>
    [
      [`a message of ${stream}`, `$JS.API.STREAM.MSG.GET.${stream}`, { seq: 1 }],
      [`a message of ${stream}, direct`, `$JS.API.DIRECT.GET.${stream}`, { seq: 1 }],
      [`a consumer of ${stream}`, `$JS.API.CONSUMER.CREATE.${stream}.spy`, spy(stream)],
      [`a durable of ${stream}`, `$JS.API.CONSUMER.DURABLE.CREATE.${stream}.spy`, spy(stream)],
      [`a removed consumer of ${stream}`, `$JS.API.CONSUMER.DELETE.${stream}.coordinator`],
    ] as const,
);
const results = [
  [
    "the next results",
    "$JS.API.CONSUMER.MSG.NEXT.RESULTS.coordinator",
    { batch: 1, no_wait: true },
  ],
  ["an ack of a result", "$JS.ACK.RESULTS.coordinator.1.1.1.1.0"],
] as const;
const publishedJob = ["a job", "turntable.job.v1.organic.sn17-seed"] as const;
const publishedResult = ["a result", "turntable.result.v1"] as const;
const publishedObject = ["an object", "$O.assets.C.x"] as const;
const control = [
  ["the lease of the coordinator that leads", "$KV.coordinator.leader"],
  ["a change of the coordinator's state", "turntable.state.v1"],
  ["a file of it", "turntable.state-file.v1.manifest.end"],
  [
    "an order to drain another worker",
    `turntable.worker.v1.control.${Buffer.from("w1").toString("base64url")}`,
    { drain: true },
  ],
  ["a stop of the server's accounts", "$SYS.REQ.SERVER.PING"],
] as const;

/** Who could make one could have what is in the bucket sent to it. */
const bucketSpy = [
  "a consumer of the bucket",
  "$JS.API.CONSUMER.CREATE.OBJ_assets.spy",
  spy("OBJ_assets"),
] as const;

function spy(stream: string): object {
  return { stream_name: stream, config: { name: "spy", ack_policy: "none", mem_storage: true } };
}

const forbidden: Readonly<Record<Role, Forbidden>> = {
  coordinator: {
    publish: [
      ["the removal of a stream", "$JS.API.STREAM.DELETE.JOBS"],
      ["a stream of its own", "$JS.API.STREAM.CREATE.MINE", { name: "MINE", subjects: ["mine"] }],
      publishedResult,
    ],
    subscribe: [...inboxesOfOthers("coordinator"), "turntable.job.v1.>", "turntable.result.v1"],
  },
  worker: {
    publish: [
      publishedJob,
      publishedObject,
      ...results,
      ...messagesRead,
      ...streamsMadeOrEmptied,
      ...control,
      bucketSpy,
      ["an answer to the coordinator's inbox", "_INBOX_coordinator.x"],
      ["an answer to another worker's", "_INBOX_worker.x"],
    ],
    subscribe: [
      ...inboxesOfOthers("worker"),
      ...["turntable.>", "turntable.result.v1", "turntable.job.v1.>", "$JS.ACK.>", "$O.>"],
    ],
  },
  caller: {
    publish: [
      publishedResult,
      ...results,
      ...messagesRead,
      ...streamsMadeOrEmptied.filter(
        ([what]) => !["PURGE of OBJ_assets", "MSG.DELETE of JOBS"].includes(what),
      ),
      ...control,
      ["the next job", "$JS.API.CONSUMER.MSG.NEXT.JOBS.workers-organic", { batch: 1 }],
    ],
    subscribe: [...inboxesOfOthers("caller"), "turntable.>"],
  },
  monitoring: {
    publish: [
      publishedJob,
      publishedResult,
      publishedObject,
      ...results,
      ...messagesRead,
      ...streamsMadeOrEmptied,
      ...control,
      ["the next job", "$JS.API.CONSUMER.MSG.NEXT.JOBS.workers-organic", { batch: 1 }],
    ],
    subscribe: [...inboxesOfOthers("monitoring"), "turntable.>"],
  },
};

describe("permissions over TLS", { skip: noOpenssl, timeout }, async () => {
  const certificates = createCertificates();
  after(() => certificates[Symbol.dispose]());
  const authority = certificates.createAuthority("authority");
  const { certFile, keyFile } = authority.issue("server", "IP:127.0.0.1, DNS:localhost");
  const tls = { caFile: authority.certFile };
  const extraConfig = `
    include "authorization.conf"
    tls { cert_file: ${JSON.stringify(certFile)}, key_file: ${JSON.stringify(keyFile)} }`;
  const server = await startNatsServer({ extraConfig, configFiles, env });
  after(() => server[Symbol.asyncDispose]());
  const servers = `tls://127.0.0.1:${server.port}`;

  test("jobs, large assets, callers and dead letters work as the roles", async () => {
    const queue = await connectJobQueue({ servers, tls, ...userOf("coordinator") });
    await using _queue = queue;
    await using source = await connectJobSource({
      ...{ servers, tls, workerId: "w1", ...userOf("worker") },
    });
    await using caller = await connectJobCaller({ servers, tls, ...userOf("caller") });
    const received = openResults(queue);
    await queue.submit(testJob("large", { asset: bytes(9 * 1024 * 1024, 1) }));
    const large = await mustTake(source.take(patience()));
    assert.equal((await large.fetchAsset()).length, 9 * 1024 * 1024);
    await large.complete(resultOf(large));
    assert.equal((await nextAcked(received)).jobId, "large");

    const calling = caller.call(
      testJob("called", { asset: bytes(9 * 1024 * 1024, 2) }),
      patience(),
    );
    const called = await mustTake(source.take(patience()));
    await called.complete(resultOf(called));
    assert.equal((await calling).jobId, "called");
    const leaving = new AbortController();
    const left = caller.call(testJob("left"), leaving.signal);
    while ((await queue.depth()).organic === 0) {
      await new Promise(setImmediate); // until it is there; it ends with the test
    }
    leaving.abort(new Error("the client left"));
    await assert.rejects(left, /the client left/);
    assert.equal((await queue.depth()).organic, 0, "it took its job along");
  });

  test("coordinators share their state as their role", async () => {
    await using log = await connectStateLog({ servers, tls, ...userOf("coordinator") });
    const { signal } = new AbortController();
    const body = bytes(3, 1);
    assert.equal(await log.entries.append({ kind: "keys", schema: 1, body }, 0, signal), 1);
    assert.deepEqual([...((await log.entries.read(1, 1))[0]?.body ?? [])], [...body]);
    await log.entries.trim(1);
    await log.files.put("manifest", [body]);
    assert.ok(await log.files.get("manifest"));
    assert.equal((await log.files.next(0))?.name, "manifest");
    await log.files.remove("manifest");
    assert.equal((await log.files.list()).names.size, 0);
    const holder = { holder: "h", directory: "d", name: "n", isReleased: false };
    const revision = await log.lease.write(holder, 0);
    assert.equal((await log.lease.read())?.revision, revision);
  });

  for (const role of roles) {
    test(`what the ${role} must not do is refused`, async () => {
      await using connection = await connectAs(role);
      for (const [what, subject, payload] of forbidden[role].publish ?? []) {
        await assert.rejects(
          connection.request(subject, payload === undefined ? "" : JSON.stringify(payload), {
            timeout: 2_000,
          }),
          isViolation,
          `${what} (${subject})`,
        );
      }
      for (const subject of forbidden[role].subscribe ?? []) {
        await assert.rejects(listen(connection, subject), isViolation, subject);
      }
    });
  }

  test("monitoring sees streams, consumers and workers", async () => {
    await using _queue = await connectJobQueue({ servers, tls, ...userOf("coordinator") });
    await using _source = await connectJobSource({
      ...{ servers, tls, workerId: "seen", ...userOf("worker") },
    });
    await using connection = await connectAs("monitoring");
    const { streams, consumers } = await jetstreamManager(connection);
    assert.equal((await streams.info("RESULTS")).config.name, "RESULTS");
    assert.equal((await consumers.info("JOBS", "workers-organic")).num_pending, 0);
    const stats = await connection.request("$SRV.STATS.turntable-worker", "", { timeout: 2_000 });
    assert.match(stats.string(), /"worker_id":"seen"/);
  });

  async function connectAs(role: Role): Promise<NatsConnection> {
    return await connect({
      ...{ servers: `127.0.0.1:${server.port}`, tls, user: role, pass: passwordOf(role) },
      inboxPrefix: `_INBOX_${role}`,
    });
  }
});

function isViolation(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return [error, cause].some((each) => each instanceof errors.PermissionViolationError);
}

/** Rejects when the server refuses the subscription; resolves once it has it. */
async function listen(connection: NatsConnection, subject: string): Promise<void> {
  const { promise, reject, resolve } = Promise.withResolvers<void>();
  promise.catch(() => undefined); // awaited below, perhaps later than it is refused
  const subscription = connection.subscribe(subject, {
    callback: (error) => (error === null ? undefined : reject(error)),
  });
  await connection.flush();
  resolve();
  await promise.finally(() => subscription.unsubscribe());
}

test("a process is known by the seed of its NKEY in a file", { timeout }, async () => {
  const key = nkeys.createUser();
  const nkeyFile = join(scratch, "nkey");
  writeFileSync(nkeyFile, `${new TextDecoder().decode(key.getSeed())}\n`);
  const extraConfig = `authorization { users: [ { nkey: ${key.getPublicKey()} } ] }`;
  await using server = await startNatsServer({ extraConfig });
  await using queue = await connectJobQueue({ servers: server.url, nkeyFile });
  assert.equal((await queue.depth()).organic, 0);
  const { passwordFile } = userOf("worker");
  await assert.rejects(
    connectJobQueue({ servers: server.url, nkeyFile: passwordFile }),
    /holds no seed of an NKEY/,
  );
  await assert.rejects(connectJobQueue({ servers: server.url, nkeyFile, passwordFile }), /one of/);
  await assert.rejects(connectJobQueue({ servers: server.url, passwordFile }), /--nats-user/);
});
