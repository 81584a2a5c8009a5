/**
 * A real nats-server for tests: JetStream on disk with every write synced, on 127.0.0.1 and a port of its own that
 * it keeps over restarts.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { ensureNatsServer } from "./nats-server-binary.ts";

export interface NatsServerOptions {
  /** Kept when the server is disposed; without it a temporary folder is used and removed. */
  readonly storeDir?: string;
  readonly port?: number;
  readonly maxPayloadBytes?: number;
  /** Lines added to the configuration file. */
  readonly extraConfig?: string;
  /** Files that `extraConfig` includes by their names. */
  readonly configFiles?: readonly string[];
  /** Variables that the configuration uses, beside our own. */
  readonly env?: Readonly<Record<string, string>>;
  /** A member of a cluster; see `startNatsCluster`. */
  readonly name?: string;
}

export interface NatsServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
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
  const storeDir = options.storeDir ?? join(directory, "store");
  const port = options.port ?? (await freePort());
  const configFile = join(directory, "nats.conf");
  for (const file of options.configFiles ?? []) {
    await copyFile(file, join(directory, basename(file)));
  }
  await writeFile(
    configFile,
    `host: 127.0.0.1
port: ${port}
${options.name === undefined ? "" : `server_name: ${options.name}`}
max_payload: ${options.maxPayloadBytes ?? defaultMaxPayloadBytes}
jetstream { store_dir: ${JSON.stringify(storeDir)}, sync_interval: always }
${options.extraConfig ?? ""}
`,
  );
  const signs = [
    /Server is ready/,
    ...(options.name === undefined ? [] : [/new (JetStream cluster )?metadata leader/]),
  ];
  const start = () => spawnServer(path, configFile, { ...process.env, ...options.env }, signs);
  let child = await start();

  const stop = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, "exit");
      child.kill(signal);
      await exited;
    }
  };
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
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

/** A cluster of servers, which is there when they have chosen who leads. Disposed all together. */
export async function startNatsCluster(
  size: number,
  options: Omit<NatsServerOptions, "port" | "name" | "storeDir"> = {},
): Promise<AsyncDisposable & { readonly servers: readonly NatsServer[] }> {
  await using stack = new AsyncDisposableStack();
  const routes = await Promise.all(Array.from({ length: size }, freePort));
  const servers = await Promise.all(
    routes.map(async (route, i) => {
      const others = routes.map((port) => `nats://127.0.0.1:${port}`).join(", ");
      const cluster = `cluster { name: test, listen: "127.0.0.1:${route}", routes: [${others}] }`;
      const extraConfig = `${options.extraConfig ?? ""}\n${cluster}`;
      return stack.use(await startNatsServer({ ...options, name: `n${i + 1}`, extraConfig }));
    }),
  );
  const started = stack.move();
  return { servers, [Symbol.asyncDispose]: () => started.disposeAsync() };
}

/** Started and ready: all `signs` are in its log. */
async function spawnServer(
  path: string,
  configFile: string,
  env: NodeJS.ProcessEnv,
  signs: readonly RegExp[],
): Promise<ChildProcess> {
  const child = spawn(path, ["-c", configFile], { stdio: ["ignore", "ignore", "pipe"], env });
  // Not left behind when the test process dies on its own; a SIGKILL of that one we cannot see.
  const killChild = () => child.kill("SIGKILL");
  process.once("exit", killChild);
  child.once("exit", () => process.off("exit", killChild));
  const log: string[] = [];
  const lines = createInterface({ input: child.stderr });
  await new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      reject(new Error(`nats-server ended with ${code ?? signal}:\n${log.join("\n")}`));
    });
    lines.on("line", (line) => {
      log.push(line);
      if (signs.every((sign) => log.some((said) => sign.test(said)))) {
        resolve();
      }
    });
  });
  lines.removeAllListeners("line");
  child.stderr.resume();
  return child;
}

/** A port that was free a moment ago; the server must keep it over restarts, so it cannot choose its own. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") {
    throw new Error("the operating system gave no port");
  }
  return address.port;
}
