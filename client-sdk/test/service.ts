/**
 * A coordinator's API for the tests of this package: the real service on a real socket, its answers written by each
 * test. It can vanish and come back on the same port.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import type { TestContext } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Server, ServerCredentials, status } from "@grpc/grpc-js";
import { type Keypair, keypairFromUri, ready } from "@turntable/bittensor/keys";
import { signSubmission } from "@turntable/bittensor/synapse";
import {
  AdminService,
  type Asset,
  AssetSchema,
  AssignmentState,
  canonicalReport,
  type DownloadAssetResponseSchema,
  GenerationService,
  LintSeverity,
  type ScoreReport,
  ScoreReportSchema,
  ScoringService,
  type Task,
  TaskSchema,
  TaskState,
  type WatchTaskResponseSchema,
} from "@turntable/proto";
import { implement, messageLimits, serviceDefinition } from "@turntable/proto/grpc";
import {
  type CallContext,
  type Handlers,
  RpcError,
  type ServerInterceptor,
} from "@turntable/proto/rpc";
import { createTurntableClient, type TurntableClientOptions } from "../src/client.ts";
import type { Timing } from "../src/retry.ts";

export type TestHandlers = Partial<Handlers<typeof GenerationService>>;
export type ScoringHandlers = Handlers<typeof ScoringService>;
export type EventInit = MessageInitShape<typeof WatchTaskResponseSchema>;

export interface TestService {
  readonly address: string;
  /** Every call that arrived, in order. */
  readonly calls: readonly CallContext[];
  /** Cuts every connection and stops listening. */
  stop(): void;
  /** Listens again, on the same port. */
  restart(): Promise<void>;
}

/** Starts services that answer with these handlers and refuse everything else; they end with the test. */
export async function startService(
  t: TestContext,
  handlers: TestHandlers,
  scoringHandlers: Partial<ScoringHandlers> = {},
): Promise<TestService> {
  const calls: CallContext[] = [];
  const refused = async (): Promise<never> => {
    throw new RpcError(status.UNIMPLEMENTED, "this test has no such answer");
  };
  // biome-ignore lint/correctness/useYield: it only throws
  const refusedStream = async function* (): AsyncGenerator<never> {
    throw new RpcError(status.UNIMPLEMENTED, "this test has no such answer");
  };
  const recorded: ServerInterceptor<CallContext> = (next) => (context) => {
    calls.push(context);
    return next(context);
  };
  const implementation = implement(
    GenerationService,
    {
      createTask: refused,
      getTask: refused,
      listTasks: refused,
      getReport: refused,
      cancelTask: refused,
      watchTask: refusedStream,
      downloadAsset: refusedStream,
      ...handlers,
    },
    recorded,
  );
  const scoring = implement(
    ScoringService,
    {
      createScoring: refused,
      uploadAsset: refused,
      getScoring: refused,
      cancelScoring: refused,
      watchScoring: refusedStream,
      ...scoringHandlers,
    },
    recorded,
  );
  let server: Server;
  const listen = (port: number): Promise<number> => {
    server = new Server(messageLimits());
    server.addService(serviceDefinition(GenerationService), implementation);
    server.addService(serviceDefinition(ScoringService), scoring);
    return new Promise((resolve, reject) => {
      server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
  };
  const port = await listen(0);
  t.after(() => server.forceShutdown());
  return {
    address: `127.0.0.1:${port}`,
    calls,
    stop: () => server.forceShutdown(),
    async restart() {
      await listen(port);
    },
  };
}

/** Starts an admin port that answers with these handlers and refuses everything else; it ends with the test. */
export async function startAdminService(
  t: TestContext,
  handlers: Partial<Handlers<typeof AdminService>>,
): Promise<{ readonly address: string }> {
  const refused = async (): Promise<never> => {
    throw new RpcError(status.UNIMPLEMENTED, "this test has no such answer");
  };
  const all = Object.fromEntries(AdminService.methods.map(({ localName }) => [localName, refused]));
  const server = new Server(messageLimits());
  // Every method has a handler, whose type is lost on the way.
  const complete = { ...all, ...handlers } as Handlers<typeof AdminService>;
  server.addService(serviceDefinition(AdminService), implement(AdminService, complete));
  t.after(() => server.forceShutdown());
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return { address: `127.0.0.1:${port}` };
}

/** No pause between tries takes time, and each is recorded. */
export function instantTiming(): Timing & { readonly pausesMs: number[] } {
  const pausesMs: number[] = [];
  let now = 0;
  return {
    pausesMs,
    now: () => now,
    random: () => 0.5,
    async sleep(delayMs, signal) {
      signal?.throwIfAborted();
      pausesMs.push(delayMs);
      now += delayMs;
    },
  };
}

/** A client of `service` whose tries follow each other at once; it ends with the test. */
export function connect(
  t: TestContext,
  service: { readonly address: string },
  options: Partial<TurntableClientOptions> = {},
  timing: Timing = instantTiming(),
) {
  const client = createTurntableClient({ address: service.address, ...options }, timing);
  t.after(() => client[Symbol.dispose]());
  return client;
}

export const minerHotkey = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
export const validatorHotkey = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty";

/** What a task goes through until its result was accepted. */
export const successfulEvents: readonly EventInit[] = [
  { sequence: 1n, kind: "created", state: TaskState.QUEUED },
  { sequence: 2n, kind: "assigned", state: TaskState.ASSIGNED, minerHotkey },
  { sequence: 3n, kind: "submitted", state: TaskState.SCORING, minerHotkey },
  { sequence: 4n, kind: "accepted", state: TaskState.SCORING, minerHotkey, score: 0.93 },
  { sequence: 5n, kind: "succeeded", state: TaskState.SUCCEEDED, minerHotkey, score: 0.93 },
];

type Fields<T> = Partial<Omit<T, "$typeName" | "$unknown">>;

export function assetOf(bytes: Uint8Array, more: Fields<Asset> = {}): Asset {
  return create(AssetSchema, {
    encoding: { format: "ply" },
    sizeBytes: BigInt(bytes.length),
    sha256: createHash("sha256").update(bytes).digest(),
    score: 0.93,
    minerHotkey,
    validatorHotkey,
    submitTimeNs: 1_700_000_000_123_456_789n,
    signature: new Uint8Array(64),
    prompt: "a red cube",
    ...more,
  });
}

/** An asset with a signature by `miner`, over the form of 2025 when there is a consent text. */
export function signedAsset(bytes: Uint8Array, miner: Keypair, consentText?: string): Asset {
  const asset = assetOf(bytes, { minerHotkey: miner.ss58 });
  const facts = { ...asset, submitTime: asset.submitTimeNs };
  const signature = Buffer.from(signSubmission(miner, facts, consentText), "base64");
  return { ...asset, signature };
}

export function taskOf(id: string, more: Fields<Task> = {}): Task {
  return create(TaskSchema, {
    id,
    prompt: "a red cube",
    state: TaskState.SUCCEEDED,
    assignments: [
      { id: "as-1", minerHotkey, attempt: 1, state: AssignmentState.ACCEPTED, score: 0.93 },
    ],
    createTime: { seconds: 1_700_000_000n },
    ...more,
  });
}

export function reportOf(taskId: string): ScoreReport {
  return create(ScoreReportSchema, {
    taskId,
    jobId: "job-1",
    prompt: "a red cube",
    profile: "sn17-seed",
    cameraSeed: 77n,
    score: 0.93,
    fidelity: 1,
    splatCount: 20_000n,
    model: { name: "tiny-colours", sha256: new Uint8Array(32).fill(0xab), demonstration: true },
    renderer: { backend: "cpu", version: "0.1.0" },
    assetSha256: new Uint8Array(32).fill(0xcd),
    timings: { fetchMs: 1, decodeMs: 12, renderMs: 640, scoreMs: 210, totalMs: 870 },
    minerHotkey,
    validatorHotkey,
    findings: [
      {
        code: "flat",
        severity: LintSeverity.ERROR,
        value: 0.01,
        limit: 0.02,
        message:
          "0.01 is the smallest extent by the largest: a card, not an object (at least 0.02)",
      },
    ],
    lowViewShare: 0.25,
    views: Array.from({ length: 36 }, (_, i) => ({
      azimuthDeg: i * 10,
      elevationDeg: -20 + (i % 5),
      probability: 0.9 + (i % 10) / 100,
    })),
  });
}

/** `reportOf` as the coordinator of `validator` gives it. */
export async function signedReportOf(taskId: string, validator = "//Bob"): Promise<ScoreReport> {
  await ready();
  const { ss58, sign } = keypairFromUri(validator);
  const report = { ...reportOf(taskId), validatorHotkey: ss58 };
  return { ...report, signature: sign(Buffer.from(canonicalReport(report))) };
}

/** A succeeded task as a whole service: watch, get, download, report. */
export function succeedingService(bytes: Uint8Array, asset: Asset = assetOf(bytes)) {
  return {
    createTask: async (request) => ({ task: taskOf("task-1", { prompt: request.prompt }) }),
    getTask: async (request) => ({ task: taskOf(request.taskId, { asset }) }),
    getReport: async (request) => ({ report: await signedReportOf(request.taskId) }),
    watchTask: (request) => eventsAfter(successfulEvents, request.afterSequence),
    downloadAsset: () => downloadOf(asset, bytes),
  } satisfies TestHandlers;
}

export async function* eventsAfter(
  events: readonly EventInit[],
  afterSequence: bigint,
): AsyncGenerator<EventInit> {
  yield* events.filter((event) => (event.sequence ?? 0n) > afterSequence);
}

export async function* downloadOf(
  asset: Asset,
  bytes: Uint8Array,
  chunkBytes = 1000,
): AsyncGenerator<MessageInitShape<typeof DownloadAssetResponseSchema>> {
  yield { part: { case: "asset", value: asset } };
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    yield { part: { case: "chunk", value: bytes.subarray(at, at + chunkBytes) } };
  }
}

/** Holds a handler until its caller has gone. */
export async function callerGone(context: CallContext): Promise<void> {
  if (!context.signal.aborted) {
    await once(context.signal, "abort");
  }
}
