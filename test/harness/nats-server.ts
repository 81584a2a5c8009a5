/**
 * A real nats-server for tests: JetStream on disk with every write synced, on 127.0.0.1 and a port of its own that
 * it keeps over restarts.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { freePort } from "./free-port.ts";
import { ensureNatsServer } from "./nats-server-binary.ts";

/** Where a server runs. */
export interface NatsPlace {
  /** Address that it listens on; 127.0.0.1 when absent. */
  readonly host?: string;
  /** A command that runs the server, in a network of its own, say; it has to become it. */
  readonly launcher?: readonly string[];
  /** Kept when the server is disposed; without it a temporary folder is used and removed. */
  readonly storeDir?: string;
  /** Told of every line that it prints. */
  readonly onLine?: (line: string) => void;
}

export interface NatsServerOptions extends NatsPlace {
  readonly port?: number;
  readonly maxPayloadBytes?: number;
  /** Lines added to the configuration file. */
  readonly extraConfig?: string;
  /** Files that `extraConfig` includes by their names. */
  readonly configFiles?: readonly string[];
  /** Variables that the configuration uses, beside our own. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface NatsServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Of the process that runs now. */
  pid(): number;
  /** SIGKILL; returns when the process is gone. */
  kill9(): Promise<void>;
  /** Starts it again (killing it first if it runs); with `empty` on a store with nothing in it. */
  restart(options?: { readonly empty?: boolean }): Promise<void>;
}

/** 8 MB, as in the manifests. */
const defaultMaxPayloadBytes = 8 * 1024 * 1024;

export async function startNatsServer(options: NatsServerOptions = {}): Promise<NatsServer> {
  const { path } = await ensureNatsServer();
  const directory = await mkdtemp(join(tmpdir(), "turntable-nats-"));
  const { host = "127.0.0.1", storeDir = join(directory, "store") } = options;
  const port = options.port ?? (await freePort());
  const configFile = join(directory, "nats.conf");
  for (const file of options.configFiles ?? []) {
    await copyFile(file, join(directory, basename(file)));
  }
  await writeFile(
    configFile,
    `host: ${host}
port: ${port}
max_payload: ${options.maxPayloadBytes ?? defaultMaxPayloadBytes}
jetstream { store_dir: ${JSON.stringify(storeDir)}, sync_interval: always }
${options.extraConfig ?? ""}
`,
  );
  const command = [...(options.launcher ?? []), path, "-c", configFile];
  const start = () => spawnServer(command, { ...process.env, ...options.env }, options.onLine);
  let child = await start();

  const stop = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, "exit");
      child.kill(signal);
      await exited;
    }
  };
  return {
    url: `nats://${host}:${port}`,
    port,
    pid: () => child.pid ?? Number.NaN, // it was started
    kill9: () => stop("SIGKILL"),
    async restart({ empty = false } = {}) {
      await stop("SIGKILL");
      if (empty) {
        await rm(storeDir, { recursive: true, force: true });
      }
      child = await start();
    },
    async [Symbol.asyncDispose]() {
      await stop("SIGTERM");
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export interface NatsCluster extends AsyncDisposable {
  readonly servers: readonly NatsServer[];
  /** `http://…` of each server's monitoring. */
  readonly monitors: readonly string[];
}

/**
 * A cluster of servers n1, n2 …, which is there when who leads sees all others as they should be. Disposed all together.
 * @param places of the servers, in their order
 */
export async function startNatsCluster(
  size: number,
  options: Omit<NatsServerOptions, "port" | keyof NatsPlace> = {},
  places: readonly NatsPlace[] = [],
): Promise<NatsCluster> {
  await using stack = new AsyncDisposableStack();
  const address = async (_: unknown, i: number) =>
    `${places[i]?.host ?? "127.0.0.1"}:${await freePort()}`;
  const routes = await Promise.all(Array.from({ length: size }, address));
  const listeners = await Promise.all(Array.from({ length: size }, address));
  const monitors = listeners.map((listener) => `http://${listener}`);
  const servers = await Promise.all(
    routes.map(async (route, i) => {
      const others = routes.filter((other) => other !== route);
      const urls = others.map((other) => `nats://${other}`).join(", ");
      const extraConfig = `
server_name: n${i + 1}
http: "${listeners[i]}"
cluster { name: test, listen: "${route}", routes: [${urls}] }
${options.extraConfig ?? ""}`;
      return stack.use(await startNatsServer({ ...options, ...places[i], extraConfig }));
    }),
  );
  // nats-server 2.10 may bootstrap without one that came at the moment of the choice, and never takes it in then.
  let patienceMs = 5_000;
  while (!(await allSeeEachOther(monitors, AbortSignal.timeout(patienceMs)))) {
    patienceMs *= 2; // it may have been the machine, which had other things to do
    await Promise.all(servers.map((server) => server.restart({ empty: true })));
  }
  const started = stack.move();
  return { servers, monitors, [Symbol.asyncDispose]: () => started.disposeAsync() };
}

/** What `/jsz` of a server says of the cluster; who leads knows the others. */
interface MetaCluster {
  readonly name: string;
  readonly leader?: string;
  readonly replicas?: readonly { readonly current: boolean; readonly offline?: boolean }[];
}

/** Whether, in time, every server knows who leads, and who leads can place copies of a stream on every other one. */
async function allSeeEachOther(monitors: readonly string[], signal: AbortSignal): Promise<boolean> {
  const others = monitors.length - 1;
  while (!signal.aborted) {
    const found = await Promise.all(monitors.map(metaClusterAt));
    const usable = found.map(
      (meta) =>
        meta?.replicas?.filter(({ current, offline }) => current && offline !== true).length,
    );
    if (found.every((meta) => (meta?.leader ?? "") !== "") && usable.includes(others)) {
      return true;
    }
    await setTimeout(20);
  }
  return false;
}

async function metaClusterAt(monitor: string): Promise<MetaCluster | undefined> {
  const response = await fetch(`${monitor}/jsz`).catch(() => undefined);
  if (response === undefined) {
    return undefined; // its monitoring listens a moment later than it does
  }
  const { meta_cluster: meta } = (await response.json()) as { meta_cluster?: MetaCluster };
  return meta;
}

/** Started and ready for clients. */
async function spawnServer(
  [program = "", ...argv]: readonly string[],
  env: NodeJS.ProcessEnv,
  onLine: (line: string) => void = () => {},
): Promise<ChildProcess> {
  const child = spawn(program, argv, { stdio: ["ignore", "ignore", "pipe"], env });
  // Not left behind when the test process dies on its own; a SIGKILL of that one we cannot see.
  const killChild = () => child.kill("SIGKILL");
  process.once("exit", killChild);
  child.once("exit", () => process.off("exit", killChild));
  const log: string[] = [];
  const lines = createInterface({ input: child.stderr });
  lines.on("line", onLine);
  await new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      reject(new Error(`nats-server ended with ${code ?? signal}:\n${log.join("\n")}`));
    });
    const read = (line: string): void => {
      log.push(line);
      if (line.includes("Server is ready")) {
        lines.off("line", read);
        resolve();
      }
    };
    lines.on("line", read);
  });
  return child;
}
