/** The subnet as separate processes around a cluster of three NATS servers, each of them there to be ill-treated. */
import { appendFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Keypair, keypairFromUri } from "@turntable/bittensor/keys";
import type { Place } from "../crash/actors.ts";
import { startNatsCluster } from "../harness/nats-server.ts";
import { type RunningProcess, startProcess } from "../harness/process.ts";
import type { Network } from "./network.ts";

export const natsNames = ["n1", "n2", "n3"] as const;
export const workerNames = ["w1", "w2", "w3"] as const;
export const coordinatorName = "coordinator";
export const memberNames: readonly string[] = [...natsNames, ...workerNames, coordinatorName];

/** Short, so that the jobs of workers that died are soon given to others. */
export const ackWaitMs = 2_000;
/** Many assets are larger, and travel through the object store. */
const maxPayloadBytes = 64 * 1024;
/** Below so much free the coordinator takes nothing. */
const reserveBytes = 2 * 1024 * 1024;
/** Before a process that ended by itself is started again, as its supervisor would. */
const restartMs = 200;
const ports = { axon: 8091, grpc: 50051, http: 9090 } as const;
/** Everything quick, so that some seconds hold many submissions. */
const rules = {
  ...{ cooldownMs: 300, idleMs: 200, throttleMs: 0, badWorkMs: 0 },
  ...{ taskTimeoutMs: 3_600_000, leaseMs: 1_800_000, verdictGraceMs: 3_600_000 },
};

/** A process that is started again whenever it ends by itself. */
export interface Member {
  readonly name: string;
  readonly pid: () => number;
  /** Ends it as a crash would. */
  kill9(): Promise<void>;
  /** Starts it after `kill9`; resolves when it is up. */
  start(): Promise<void>;
}

export interface Program extends Member {
  /** Stops it in order and starts it again, from another folder of the project when one is given. */
  replace(checkout?: string): Promise<void>;
  /** Stops it in order; gives its exit status. */
  stop(): Promise<number | null>;
  /** Whether it runs, and has said that it is ready. */
  isReady(): boolean;
}

export interface NatsMember extends Member {
  readonly monitor: string;
  /** Kills it and starts it on an empty store. */
  restartEmpty(): Promise<void>;
}

export interface Subnet extends AsyncDisposable {
  readonly nats: readonly NatsMember[];
  readonly workers: readonly Program[];
  readonly coordinator: Program;
  readonly dataDir: string;
  readonly grpcAddress: string;
  readonly httpUrl: string;
  readonly target: Place;
  readonly validator: Keypair;
  /** How often a process had to be started again that ended by itself, with its exit status, by name. */
  readonly ends: readonly string[];
  /** Ids of submissions that the coordinator's log said were taken. */
  readonly taken: ReadonlySet<string>;
}

export interface SubnetOptions {
  readonly network: Network;
  /** For logs, and whatever has no disk of its own. */
  readonly directory: string;
  /** Folder of a member's data. */
  readonly dataOf: (member: string) => string;
  /** Variables of a program. */
  readonly envOf: (member: string) => Readonly<Record<string, string>>;
  /** Folder of the project that coordinator and workers start from; this one when absent. */
  readonly checkout: string | undefined;
  readonly miners: readonly Keypair[];
  /** Told of each line that a program logs. */
  readonly onLine?: (member: string, line: string) => void;
  /** More options of the coordinator. */
  readonly flags?: readonly string[];
}

export async function startSubnet(options: SubnetOptions): Promise<Subnet> {
  const { network, directory, dataOf, envOf } = options;
  await using stack = new AsyncDisposableStack();
  const cluster = stack.use(
    await startNatsCluster(
      natsNames.length,
      { maxPayloadBytes },
      natsNames.map((name) => ({
        host: network.hostOf(name),
        launcher: network.launcherOf(name),
        storeDir: join(dataOf(name), "store"),
        onLine: logTo(join(directory, `${name}.log`)),
      })),
    ),
  );
  const servers = cluster.servers.map(({ url }) => url);
  const nats = cluster.servers.map(
    (server, index): NatsMember => ({
      name: natsNames[index] ?? "",
      monitor: cluster.monitors[index] ?? "",
      pid: server.pid,
      kill9: server.kill9,
      start: () => server.restart(),
      restartEmpty: () => server.restart({ empty: true }),
    }),
  );

  const rulesFile = join(directory, "rules.json");
  await writeFile(rulesFile, JSON.stringify(rules));
  const host = network.hostOf(coordinatorName);
  const dataDir = join(dataOf(coordinatorName), "data");
  await mkdir(dataDir, { recursive: true });
  const ends: string[] = [];
  const taken = new Set<string>();
  const onEnd = (name: string, status: number | null): void => {
    ends.push(`${name} (${status})`);
  };
  const programOf = (
    name: string,
    command: string,
    args: readonly string[],
    onLine: (line: string) => void = () => {},
  ): Program => {
    const log = logTo(join(directory, `${name}.log`));
    return stack.adopt(
      createProgram({
        name,
        checkout: options.checkout,
        onEnd: (status) => onEnd(name, status),
        spawn: (checkout) =>
          startProcess(command, args, envOf(name), {
            launcher: network.launcherOf(name),
            ...(checkout === undefined ? {} : { checkout }),
            onLine(line) {
              log(line);
              options.onLine?.(name, line);
              onLine(line);
            },
          }),
      }),
      (program) => program.kill9(),
    );
  };
  const coordinator = programOf(
    coordinatorName,
    "turntable-coordinator",
    [
      ...["--hotkey-uri", "//Alice", "--rules", "local", "--rules-file", rulesFile],
      ...["--data-dir", dataDir, "--limits-reserve-bytes", String(reserveBytes)],
      ...options.miners.flatMap(({ ss58 }) => ["--chain-register", ss58]),
      ...["--nats-servers", servers.join(), "--nats-replicas", String(servers.length)],
      ...["--nats-ack-wait-ms", String(ackWaitMs), "--duplicates-window-ms", "0"],
      ...["--api-enabled", "--grpc-host", host, "--grpc-port", String(ports.grpc)],
      ...["--grpc-insecure-open", "--axon-host", host, "--axon-port", String(ports.axon)],
      ...["--http-host", host, "--http-port", String(ports.http)],
      ...(options.flags ?? []),
    ],
    (line) => {
      const [, id] = /"job_id":"([^"]+)".*"submission taken"/.exec(line) ?? [];
      if (id !== undefined) {
        taken.add(id);
      }
    },
  );
  const workers = workerNames.map((name) =>
    programOf(name, "node", ["test/chaos/worker.ts", name, ...servers]),
  );
  await Promise.all([coordinator, ...workers].map((program) => program.start()));
  const validator = keypairFromUri("//Alice");
  const running = stack.move();
  return {
    ...{ nats, workers, coordinator, dataDir, ends, taken, validator },
    grpcAddress: `${host}:${ports.grpc}`,
    httpUrl: `http://${host}:${ports.http}`,
    target: { ip: host, port: ports.axon, hotkey: validator.ss58 },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function logTo(file: string): (line: string) => void {
  return (line) => appendFileSync(file, `${line}\n`);
}

interface ProgramOptions {
  readonly name: string;
  readonly checkout: string | undefined;
  readonly spawn: (checkout: string | undefined) => RunningProcess;
  /** It has ended by itself. */
  readonly onEnd: (status: number | null) => void;
}

function createProgram({ name, spawn, onEnd, ...options }: ProgramOptions): Program {
  let { checkout } = options;
  let running: RunningProcess | undefined;
  let ready = false;

  /** Up at last, however often it has to be started for that. */
  const start = async (): Promise<void> => {
    const started = spawn(checkout);
    running = started;
    void started.ended.then(async (status) => {
      if (running === started) {
        ready = false;
        onEnd(status);
        await sleep(restartMs);
        if (running === started) {
          void start();
        }
      }
    });
    await started
      .logged(({ msg }) => msg === "ready")
      .then(
        () => {
          ready = running === started;
        },
        () => undefined,
      );
  };
  const end = async (how: (running: RunningProcess) => Promise<unknown>): Promise<void> => {
    const ending = running;
    running = undefined;
    ready = false;
    if (ending !== undefined) {
      await how(ending);
    }
  };
  const stop = async (): Promise<number | null> => {
    let status: number | null = null;
    await end(async (ending) => {
      status = await ending.stop();
    });
    return status;
  };
  return {
    name,
    pid: () => running?.pid ?? 0,
    isReady: () => ready,
    start,
    kill9: () => end((ending) => ending.kill9()),
    stop,
    async replace(other) {
      await stop();
      checkout = other ?? checkout;
      await start();
    },
  };
}
