/**
 * Our gRPC unary call against a bare grpc-js echo of the same size: 1 KB, 64 in flight, over loopback in one process,
 * in alternating rounds of one run. Exits with 1 below the bar.
 *
 * Ours is the coordinator's API and our typed client: API key, limits, trace context, checks of the request; observed,
 * with the log line and metrics that the coordinator has for every call. Bare is plain grpc-js with messages of the same
 * size, encoded by the same library, and nothing else. A row without a bar: an echo that does not even encode.
 *
 * The bar is on processor time, of which both ends and the collection of garbage have their share: it is what a call
 * costs, and on a machine with other work the clock tells of that work, too. Other work only adds to processor time, so
 * a row's figure is that of its quietest tenth of rounds. The clock's ratio stands beside it.
 *
 * Tasks come from memory: what the store costs is not the call's.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type ChannelOptions,
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
} from "@grpc/grpc-js";
import { type Context, context, ROOT_CONTEXT, trace } from "@opentelemetry/api";
import {
  type ApiCallEvent,
  createAccess,
  createEvents,
  openApiKeys,
  startApi,
  type Task,
  type Tasks,
} from "@turntable/coordinator/internal";
import { createLogger, createMetrics, registerTracing } from "@turntable/process";
import {
  type CreateTaskRequest,
  CreateTaskRequestSchema,
  GenerationService,
} from "@turntable/proto";
import { createServiceClient } from "@turntable/proto/grpc";

/** What we hold ourselves to. */
const bar = 0.8;
const inFlight = 64;
const callsPerRound = 500;
/** Many short rounds: what else the machine does hits all alike. */
const rounds = 80;
/** A key that its limits are counted for. */
const limits = { callsPerMinute: 1_000_000, concurrentCalls: 1_000 };
const promptChars = 900;

type Call = () => Promise<unknown>;

const kinds = ["bare", "ours", "oursObserved", "bytes"] as const;
type Kind = (typeof kinds)[number];

async function main(): Promise<void> {
  await using stack = new AsyncDisposableStack();
  stack.use(registerTracing());
  const request = create(CreateTaskRequestSchema, {
    prompt: "a red cube ".repeat(100).slice(0, promptChars),
    idempotencyKey: "bench",
  });
  const calls: Record<Kind, Call> = {
    bare: await startEcho(stack, request, messageCodec),
    ours: await startOurs(stack, request, () => void trace.getSpanContext(context.active())),
    oursObserved: await startOurs(
      stack,
      request,
      createEvents(
        createLogger("bench", "info", { write: () => undefined }),
        createMetrics("bench"),
      ).apiCall,
    ),
    bytes: await startEcho(stack, messageCodec.requestSerialize(request), bytesCodec),
  };
  for (const kind of kinds) {
    await measure(calls[kind], 6 * callsPerRound); // connect, compile
  }
  const results: Record<Kind, Rate>[] = [];
  for (let round = 0; round < rounds; round++) {
    const none: Rate = { perSecond: 0, cpuMs: 0 };
    const rates: Record<Kind, Rate> = { bare: none, ours: none, oursObserved: none, bytes: none };
    // Who goes first changes, so that nobody always gets the garbage of the same other.
    for (let i = 0; i < kinds.length; i++) {
      const kind = kinds[(round + i) % kinds.length] ?? "bare";
      rates[kind] = await measure(calls[kind], callsPerRound);
    }
    results.push(rates);
  }
  print(results, toBinary(CreateTaskRequestSchema, request).length);
}

/** The coordinator's own API, asked again and again for the task that an idempotency key belongs to. */
async function startOurs(
  stack: AsyncDisposableStack,
  request: CreateTaskRequest,
  onCall: (event: ApiCallEvent) => void,
): Promise<Call> {
  const directory = await mkdtemp(join(tmpdir(), "turntable-bench-"));
  stack.defer(() => rm(directory, { recursive: true }));
  const keys = stack.use(openApiKeys(directory));
  const made = keys.create({ name: "bench", scopes: ["generate"], ...limits }, Date.now());
  const api = stack.use(
    await startApi({
      host: "127.0.0.1",
      port: 0,
      access: stack.use(createAccess({ keys, now: Date.now })).interceptorFor({}),
      tasks: oneTask(request.prompt),
      validatorHotkey: "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty",
      cancelTask: () => ({ kind: "unknown" }),
      submissionOf: () => undefined,
      reportOf: () => undefined,
      readAsset: async () => undefined,
      maxPromptChars: 1024,
      now: Date.now,
      onTrouble: (_what, error) => {
        throw error;
      },
      onCall,
    }),
  );
  const channel = connect(stack, api.port, { "grpc.enable_channelz": 0 }); // as the SDK does
  const client = createServiceClient(GenerationService, channel);
  const authorization = `Bearer ${made?.secret}`;
  return () => {
    const metadata = new Metadata();
    metadata.set("authorization", authorization);
    return client.createTask(request, { metadata, trace: nextTrace() });
  };
}

/** Who knows one task only. */
function oneTask(prompt: string): Tasks {
  const task: Task = {
    id: "0b1b6e2a-6b0e-4f4e-9d55-1c0f6e7c2a11",
    class: "organic",
    client: "bench",
    prompt,
    state: "queued",
    createdAt: new Date(1_700_000_000_000),
    updatedAt: new Date(1_700_000_000_000),
    expiresAt: new Date(1_700_000_600_000),
    endedAt: undefined,
    trace: ROOT_CONTEXT,
    assignments: [],
    cameraSeed: 1n,
    bestAssignment: undefined,
    failure: undefined,
  };
  const unused = (): never => {
    throw new Error("the benchmark does not ask this");
  };
  return {
    create: () => ({ kind: "repeated", task }),
    get: unused,
    list: unused,
    listAll: unused,
    recent: unused,
    countEnded: unused,
    oldestQueued: unused,
    taskOf: unused,
    openAssignment: unused,
    cancel: unused,
    release: unused,
    promptLentAt: unused,
    promptsLent: unused,
    assignSynthetic: unused,
    overdue: unused,
    boundDeadlines: unused,
    faults: unused,
    latestAssignment: unused,
    assignment: unused,
    assignOrganic: unused,
    assign: unused,
    markSubmitted: unused,
    abandon: unused,
    applyVerdict: unused,
    replaceScore: unused,
    expire: unused,
    expireOf: unused,
    tick: unused,
    events: unused,
    watch: unused,
    countOpen: unused,
    [Symbol.dispose]: () => undefined,
  };
}

/** As ready-made as the bytes: drawing trace ids is the caller's work, not the call's. */
const traces: readonly Context[] = Array.from({ length: 1_000 }, () =>
  trace.setSpanContext(ROOT_CONTEXT, {
    traceId: randomBytes(16).toString("hex"),
    spanId: randomBytes(8).toString("hex"),
    traceFlags: 1,
  }),
);
let drawn = 0;
const nextTrace = (): Context => traces[drawn++ % traces.length] ?? ROOT_CONTEXT;

interface Codec<Message> {
  readonly requestSerialize: (message: Message) => Buffer;
  readonly requestDeserialize: (bytes: Buffer) => Message;
  readonly responseSerialize: (message: Message) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Message;
}

const messageCodec = codecOf<CreateTaskRequest>(
  (message) => Buffer.from(toBinary(CreateTaskRequestSchema, message).buffer),
  (bytes) => fromBinary(CreateTaskRequestSchema, bytes),
);
const bytesCodec = codecOf<Buffer>(
  (bytes) => bytes,
  (bytes) => bytes,
);

function codecOf<Message>(
  encode: (message: Message) => Buffer,
  decode: (bytes: Buffer) => Message,
): Codec<Message> {
  return {
    requestSerialize: encode,
    requestDeserialize: decode,
    responseSerialize: encode,
    responseDeserialize: decode,
  };
}

/** Plain grpc-js on both ends. */
async function startEcho<Message>(
  stack: AsyncDisposableStack,
  message: Message,
  codec: Codec<Message>,
): Promise<Call> {
  const path = "/bench.Echo/Echo";
  const server = new Server();
  server.addService(
    { echo: { path, requestStream: false, responseStream: false, ...codec } },
    {
      echo: (
        call: { readonly request: Message },
        respond: (error: null, message: Message) => void,
      ) => respond(null, call.request),
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  stack.defer(() => server.forceShutdown());
  const client = connect(stack, port);
  const { requestSerialize, responseDeserialize } = codec;
  return () =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        message,
        (error, answer) => (error === null ? resolve(answer) : reject(error)),
      );
    });
}

function connect(stack: AsyncDisposableStack, port: number, options: ChannelOptions = {}): Client {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), options);
  stack.defer(() => client.close());
  return client;
}

interface Rate {
  /** Calls a second, by the clock. */
  readonly perSecond: number;
  /** Processor time of a call, client and server and the collector of garbage, in ms. */
  readonly cpuMs: number;
}

async function measure(call: Call, calls: number): Promise<Rate> {
  let left = calls;
  const loop = async () => {
    while (left-- > 0) {
      await call();
    }
  };
  globalThis.gc?.({ type: "minor" }); // what others left is not this round's
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  await Promise.all(Array.from({ length: inFlight }, loop));
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    perSecond: calls / ((performance.now() - startedAt) / 1_000),
    cpuMs: (user + system) / 1_000 / calls,
  };
}

function print(results: readonly Record<Kind, Rate>[], sizeBytes: number): void {
  const cpuMsOf = (kind: Kind): number =>
    quantile(
      results.map((round) => round[kind].cpuMs),
      0.1,
    );
  const cpuRatio = (kind: Kind): number => cpuMsOf("bare") / cpuMsOf(kind);
  const row = (name: string, kind: Kind): void => {
    const rate = median(results.map((round) => round[kind].perSecond));
    const ratio = median(results.map((round) => round[kind].perSecond / round.bare.perSecond));
    console.log(
      [
        name.padEnd(30),
        cpuMsOf(kind).toFixed(3).padStart(9),
        cpuRatio(kind).toFixed(3).padStart(8),
        rate.toFixed(0).padStart(9),
        ratio.toFixed(3).padStart(8),
      ].join(" "),
    );
  };
  console.log(
    `unary call, ${sizeBytes} bytes, ${inFlight} in flight, ${rounds} rounds of ${callsPerRound}`,
  );
  console.log(`${"".padEnd(30)} ms of CPU  to bare   calls/s  to bare`);
  row("bare grpc-js echo", "bare");
  row("ours, authenticated and traced", "ours");
  row("ours, with log and metrics", "oursObserved");
  row("grpc-js echo of mere bytes", "bytes");
  for (const kind of ["ours", "oursObserved"] as const) {
    const ratio = cpuRatio(kind);
    const held = ratio >= bar;
    console.log(
      `${kind} to bare, CPU: ${ratio.toFixed(3)}, bar ${bar}: ${held ? "held" : "NOT HELD"}`,
    );
    if (!held) {
      process.exitCode = 1;
    }
  }
}

const median = (values: readonly number[]): number => quantile(values, 0.5);

function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN;
}

await main();
