/**
 * A real Kubernetes without a container engine: the control plane of up.sh, and a node whose pods are processes of this
 * machine (node-agent.mjs). Programs are built once into .cache/kube; state is in a folder that ends with the cluster.
 */
import { execFile, spawn } from "node:child_process";
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { makeImages } from "./images.ts";

const run = promisify(execFile);
const here = import.meta.dirname;
const cache = join(here, "../../../.cache/kube");
const maxOutputBytes = 64 << 20;

export interface ClusterOptions {
  /** KEDA's CRDs, operator and metrics adapter, too. */
  readonly keda?: boolean;
  /** GPUs that the node offers as nvidia.com/gpu; there are none behind them. */
  readonly gpus?: number;
  /** Services to be reached from here: port on loopback to `service.namespace:port`. */
  readonly expose: Readonly<Record<number, string>>;
  /** The first of fourteen ports. */
  readonly basePort: number;
  readonly log: (line: string) => void;
}

export interface Cluster extends AsyncDisposable {
  /** Logs, pods' logs and images.json. */
  readonly work: string;
  /** Definitions of types that clusters may have: the Gateway API's and those of the Prometheus operator. */
  readonly typeDefinitions: string;
  /** Runs kubectl to its end. @returns what it printed. @throws with what it printed to stderr */
  kubectl(...args: readonly string[]): Promise<string>;
  /** The same; warnings, which kubectl prints to stderr while all is well otherwise, go to `onWarning`. */
  kubectlWith(onWarning: (line: string) => void, ...args: readonly string[]): Promise<string>;
  /** A second node, `local-1`, in the first one's network. */
  addNode(): Promise<void>;
  /** As if its machine were switched off: its pods are heard of no more, and neither is it. */
  loseNode(): void;
  /** Runs kubectl on a manifest. */
  apply(manifest: string, ...args: readonly string[]): Promise<string>;
}

/** @throws when the machine lacks what it needs: Linux, root, some programs, and Go for the first time */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  if (process.platform !== "linux" || process.getuid?.() !== 0) {
    throw new Error("a cluster of processes needs Linux and root: it makes network namespaces");
  }
  // Packet filters make NetworkPolicies, NodePorts and load balancers; without them these would be open, or dead.
  for (const program of ["ip", "iptables-restore", "nsenter", "setpriv", "openssl", "curl"]) {
    await run("/bin/sh", ["-c", `command -v ${program}`]).catch(() => {
      throw new Error(
        `a cluster of processes needs ${program}, which is not on PATH (Debian: iproute2, iptables, util-linux, openssl, curl)`,
      );
    });
  }
  const { basePort, log, gpus = 0, keda = false } = options;
  const bin = join(cache, "bin");
  const programs = ["kube", "nats-server", ...(keda ? ["keda-operator", "keda-adapter"] : [])];
  if (!programs.every((name) => existsSync(join(bin, name)))) {
    log(`building ${programs.join(", ")}, once; a quarter of an hour and more`);
  }
  await run(join(here, "build.sh"), [bin, cache, ...(keda ? [] : ["--without-keda"])], {
    maxBuffer: maxOutputBytes,
  });
  const work = mkdtempSync(join(cache, "work-"));
  const env = { ...process.env, BASE_PORT: String(basePort) };
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rmSync(work, { recursive: true, force: true }));
  stack.defer(async () => {
    await run(join(here, "down.sh"), [work], { env });
  });

  mkdirSync(join(work, "bin"));
  for (const name of programs) {
    linkSync(realpathSync(join(bin, name)), join(work, "bin", name));
  }
  if (keda) {
    await run("cp", ["-r", join(cache, "keda"), join(work, "keda")]);
  }
  log("starting the control plane");
  await run(join(here, "up.sh"), [work, ...(keda ? [] : ["--without-keda"])], {
    env,
    maxBuffer: maxOutputBytes,
  });
  log("assembling images");
  makeImages(work, join(work, "bin/nats-server"));

  const exposed = Object.entries(options.expose).flatMap(([port, to]) => [
    "--expose",
    `${port}=${to}`,
  ]);
  const output = openSync(join(work, "log/node-agent.log"), "a");
  const agent = spawn(
    process.execPath,
    [join(here, "node-agent.mjs"), work, "--gpus", String(gpus), ...exposed],
    { env, stdio: ["ignore", output, output], detached: true },
  );
  writeFileSync(join(work, "pid/node-agent"), String(agent.pid));
  agent.unref();

  const base = ["kubectl", "--kubeconfig", join(work, "kubeconfig")];
  const kubectlWith: Cluster["kubectlWith"] = async (onWarning, ...args) => {
    const options = { maxBuffer: maxOutputBytes };
    const { stdout, stderr } = await run(join(work, "bin/kube"), [...base, ...args], options);
    stderr
      .split("\n")
      .filter((line) => line.startsWith("Warning"))
      .forEach(onWarning);
    return stdout;
  };
  const kubectl: Cluster["kubectl"] = (...args) => kubectlWith(() => undefined, ...args);
  const nodeReady = async (name: string): Promise<void> => {
    await kubectl("wait", "--for=create", `node/${name}`, "--timeout=120s");
    await kubectl("wait", "--for=condition=Ready", `node/${name}`, "--timeout=120s");
  };
  await nodeReady("local-0");
  const cleanUp = stack.move();
  return {
    work,
    typeDefinitions: join(cache, "crds"),
    kubectl,
    kubectlWith,
    async addNode() {
      agent.kill("SIGUSR1");
      await nodeReady("local-1");
    },
    loseNode: () => void agent.kill("SIGUSR2"),
    async apply(manifest, ...args) {
      const file = join(work, "applied.yaml");
      writeFileSync(file, manifest);
      return kubectl("apply", "-f", file, ...args);
    },
    [Symbol.asyncDispose]: () => cleanUp.disposeAsync(),
  };
}
