/** Who reaches whom on a cluster, by trying: each pod's network connects to every port of every other one. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Cluster } from "../kube/cluster.ts";
import { eventually } from "./steps.ts";

const run = promisify(execFile);
/** What is dropped gives no answer. Long enough for one that is let through on a busy machine. */
const patienceMs = 3_000;

export interface Target {
  /** As it is reported. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** Runs in the network, with nothing of the cluster's but addresses: prints the names of the targets that answer. */
const tryAll = `
const [targets, patienceMs] = JSON.parse(process.argv[1]);
const tries = targets.map(({ name, host, port }) => new Promise((done) => {
  const socket = require("node:net").connect({ host, port, timeout: patienceMs });
  const end = (answer) => { socket.destroy(); done(answer); };
  socket.on("connect", () => end([name])).on("error", () => end([])).on("timeout", () => end([]));
}));
Promise.all(tries).then((names) => console.log(JSON.stringify(names.flat())));
`;

/** @param network name of a network namespace of this machine. @returns names of the targets that answered */
export async function reachable(
  network: string,
  targets: readonly Target[],
): Promise<readonly string[]> {
  const argument = JSON.stringify([targets, patienceMs]);
  const command = ["netns", "exec", network, process.execPath, "-e", tryAll, argument];
  return JSON.parse((await run("ip", command)).stdout);
}

export interface RunningPod {
  readonly name: string;
  /** Of its workload. */
  readonly app: string;
  readonly network: string;
  readonly ports: readonly Target[];
}

/** Without those that end. */
export async function runningPods(
  cluster: Cluster,
  namespace: string,
): Promise<readonly RunningPod[]> {
  interface Listed {
    readonly items: readonly {
      readonly metadata: {
        readonly name: string;
        readonly labels: Record<string, string>;
        readonly deletionTimestamp?: string;
      };
      readonly spec: {
        readonly containers: readonly {
          readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
        }[];
      };
      readonly status: { readonly podIP: string };
    }[];
  }
  const text = await cluster.kubectl(
    ...["-n", namespace, "get", "pods", "--field-selector=status.phase=Running", "-o", "json"],
  );
  const { items } = JSON.parse(text) as Listed;
  const staying = items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  return staying.map(({ metadata: { name, labels }, spec, status }) => {
    const app = labels["app.kubernetes.io/name"] ?? name;
    const ports = spec.containers.flatMap((container) => container.ports ?? []);
    return {
      name,
      app,
      network: `local-0_${namespace}_${name}`,
      ports: ports.map(({ name: port, containerPort }) => ({
        name: `${app}:${port}`,
        host: status.podIP,
        port: containerPort,
      })),
    };
  });
}

/** `a → b:port` for all that connect, without those of a pod to itself. */
async function edges(cluster: Cluster, namespace: string): Promise<readonly string[]> {
  const pods = await runningPods(cluster, namespace);
  const found = await Promise.all(
    pods.map(async (from) => {
      const others = pods.filter(({ name }) => name !== from.name).flatMap(({ ports }) => ports);
      return (await reachable(from.network, others)).map((to) => `${from.app} → ${to}`);
    }),
  );
  return [...new Set(found.flat())].toSorted();
}

/** @returns how many ways are open, and how many were tried. @throws where another way is open, or one is closed */
export async function checkConnections(
  cluster: Cluster,
  namespace: string,
  expected: readonly string[],
): Promise<string> {
  const wanted = JSON.stringify(expected.toSorted());
  await eventually(
    // A pod may end while it is asked.
    async () => JSON.stringify(await edges(cluster, namespace).catch(String)),
    (found) => found === wanted,
    { seconds: 30, what: `connections, which should be ${wanted}` },
  );
  const pods = await runningPods(cluster, namespace);
  const apps = new Set(pods.map(({ app }) => app));
  const ports = new Set(pods.flatMap((pod) => pod.ports.map(({ name }) => name)));
  return `${expected.length} ways open, of ${apps.size * ports.size} from workload to port`;
}

/** A pod of somebody else's, in a namespace without policies: what it reaches. */
export async function strangerReaches(
  cluster: Cluster,
  labels: Readonly<Record<string, string>>,
  targets: readonly Target[],
): Promise<readonly string[]> {
  const name = "stranger";
  await cluster.apply(
    JSON.stringify({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace: "default", labels },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [{ name, image: "debian", command: ["sleep", "600"] }],
      },
    }),
  );
  try {
    await cluster.kubectl("wait", "--for=condition=Ready", `pod/${name}`, "--timeout=60s");
    return await eventually(
      () => reachable(`local-0_default_${name}`, targets),
      (found) => found.length > 0,
      { seconds: 30, what: "anything that a stranger reaches" },
    );
  } finally {
    await cluster.kubectl("delete", "pod", name);
  }
}

/** Nothing of a container's process may be more than it needs: user, capabilities, its root, new privileges. */
export async function checkUsers(cluster: Cluster, namespace: string): Promise<string> {
  const pods = await runningPods(cluster, namespace);
  const script =
    "grep -E '^(Uid|CapEff|CapBnd|NoNewPrivs):' /proc/1/status; touch /written 2>&1 || true";
  for (const { name } of pods) {
    const text = await cluster.kubectl("-n", namespace, "exec", name, "--", "sh", "-c", script);
    const said = text.replaceAll(/\s+/g, " ").trim();
    assert.match(
      said,
      /^Uid: 1000 1000 1000 1000 CapEff: 0+ CapBnd: 0+ NoNewPrivs: 1 touch: .*Read-only file system$/,
      name,
    );
  }
  return `${pods.length} pods: user 1000, no capability, no new privileges, read-only root`;
}
