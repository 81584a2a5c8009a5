/** The subnet as separate processes, as an operator would run it, on ports and folders of its own. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDendrite, type Dendrite } from "@turntable/bittensor/dendrite";
import { type Keypair, keypairFromUri, ready } from "@turntable/bittensor/keys";
import { createTurntableClient, type TurntableClient } from "@turntable/client";
import { type NatsServer, startNatsServer } from "../harness/nats-server.ts";
import { type RunningProcess, startProcess } from "../harness/process.ts";

/** Short, so that the job of a worker that died is soon given to another; long enough for one that gets no processor. */
const queueFlags = ["--nats-ack-wait-ms", "8000"];

export interface Subnet extends AsyncDisposable {
  readonly nats: NatsServer;
  /** The coordinator's. */
  readonly dataDir: string;
  readonly validator: Keypair;
  readonly minerKey: Keypair;
  /** A dendrite of the registered miner, for tests that mine by hand. */
  readonly dendrite: Dendrite;
  readonly client: TurntableClient;
  readonly grpcAddress: string;
  /** Aborted when the subnet is disposed: ends what waits for it. */
  readonly ended: AbortSignal;
  readonly target: { readonly ip: string; readonly port: number; readonly hotkey: string };
  coordinator(): RunningProcess;
  /** Starts the coordinator that was killed again, on the same ports and data. */
  restartCoordinator(): Promise<void>;
  /** Resolves once it takes jobs. */
  startWorker(): Promise<RunningProcess>;
  /** A generation endpoint and a miner. */
  startMiner(): Promise<RunningProcess>;
  /** The latest generation endpoint. */
  generator(): RunningProcess;
}

interface Ports {
  readonly grpc: string;
  readonly axon: string;
  readonly http: string;
}

/**
 * @param flags for each of its processes
 * @param ownFlags for the coordinator alone
 */
export async function startSubnet(
  flags: readonly string[] = [],
  ownFlags: readonly string[] = [],
): Promise<Subnet> {
  await ready();
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "turntable-e2e-"));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const nats = stack.use(await startNatsServer());
  const validator = keypairFromUri("//Alice");
  const minerKey = keypairFromUri("//Bob");
  const dataDir = join(directory, "coordinator");

  const startCoordinator = (ports: Ports): RunningProcess =>
    startProcess("turntable-coordinator", [
      ...["--hotkey-uri", "//Alice", "--chain-register", minerKey.ss58, "--rules", "local"],
      ...["--data-dir", dataDir, "--nats-servers", nats.url, ...queueFlags],
      ...["--grpc-port", ports.grpc, "--axon-port", ports.axon, "--http-port", ports.http],
      ...["--prompts-synthetic=false", "--api-enabled"],
      ...[...flags, ...ownFlags],
    ]);
  let coordinator = stack.use(startCoordinator({ grpc: "0", axon: "0", http: "0" }));
  const ports = await portsOf(coordinator);

  const dendrite = stack.use(createDendrite({ hotkey: minerKey }));
  const grpcAddress = `127.0.0.1:${ports.grpc}`;
  const client = stack.use(createTurntableClient({ address: grpcAddress }));
  let workers = 0;
  let latestGenerator: RunningProcess | undefined;
  const ended = new AbortController();
  stack.defer(() => ended.abort());
  const running = stack.move();
  return {
    nats,
    dataDir,
    validator,
    minerKey,
    dendrite,
    client,
    grpcAddress,
    ended: ended.signal,
    target: { ip: "127.0.0.1", port: Number(ports.axon), hotkey: validator.ss58 },
    coordinator: () => coordinator,
    async restartCoordinator() {
      coordinator = running.use(startCoordinator(ports));
      await portsOf(coordinator);
    },
    async startWorker() {
      const worker = running.use(
        startProcess("turntable-worker", [
          ...["run", "--nats-servers", nats.url, "--http-port", "0"],
          ...["--worker-id", `worker-${++workers}`, "--log-level", "debug"],
          ...flags,
        ]),
      );
      await worker.logged(({ msg }) => msg === "ready");
      return worker;
    },
    async startMiner() {
      const generator = running.use(
        startProcess("turntable-generator", ["--http-port", "0", ...flags]),
      );
      latestGenerator = generator;
      const { url } = await generator.logged(({ msg }) => msg === "ready");
      const miner = running.use(
        startProcess("turntable-miner", [
          ...["--data-dir", join(directory, "miner")],
          ...["--hotkey-uri", "//Bob", "--generate-url", String(url), "--http-port", "0"],
          ...["--validator", `127.0.0.1:${ports.axon}:${validator.ss58}`],
          ...flags,
        ]),
      );
      await miner.logged(({ msg }) => msg === "ready");
      return miner;
    },
    generator() {
      if (latestGenerator === undefined) {
        throw new Error("no miner was started");
      }
      return latestGenerator;
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

async function portsOf(coordinator: RunningProcess): Promise<Ports> {
  const { grpc, axon, http } = await coordinator.logged(({ msg }) => msg === "ready");
  const port = (address: unknown): string => String(address).split(":").at(-1) ?? "";
  return { grpc: port(grpc), axon: port(axon), http: port(http) };
}
