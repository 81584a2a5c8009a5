/** The dev overlay on a cluster: a task through the API, then scaling, kills, drains and rollouts while jobs are in work. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { keypairFromUri, ready } from "@turntable/bittensor/keys";
import type { TurntableClient } from "@turntable/client";
import type { Cluster } from "../kube/cluster.ts";
import { aliasImage } from "../kube/images.ts";
import { checkConnections, checkUsers } from "./connections.ts";
import { describeOutcome, type Load, startLoad } from "./load.ts";
import { eventually, type Steps } from "./steps.ts";

const root = join(import.meta.dirname, "../../..");
const namespace = "turntable-dev";
const workloads = [
  "statefulset/nats",
  "statefulset/coordinator",
  "deployment/worker",
  "deployment/generator",
  "deployment/miner",
];
/** Generous: the machine may be busy with other things, and readiness is no matter of speed here. */
const readySeconds = 600;

/** What is read of a Deployment. */
interface DeploymentSpec {
  readonly template: {
    readonly metadata: { readonly labels: Readonly<Record<string, string>> };
    readonly spec: {
      readonly containers: readonly {
        readonly env: readonly { readonly name: string; readonly value?: string }[];
      }[];
    };
  };
}

export interface DevRun {
  readonly cluster: Cluster;
  readonly steps: Steps;
  readonly client: TurntableClient;
  /** Of one step. */
  readonly pieces: number;
}

/** @returns the asset that the miner made */
export async function applyDev({ cluster, steps, client }: DevRun): Promise<Uint8Array> {
  await steps.step("`kubectl apply -k` of dev, all Ready", async () => {
    await cluster.kubectl("apply", "-k", join(root, "k8s/overlays/dev"), "--validate=strict");
    await allReady(cluster);
    return `${workloads.length} workloads`;
  });
  let asset = new Uint8Array();
  await steps.step("a task through the API, by the miner", async () => {
    const { asset: made, bytes } = await client.generate("a red cube", {
      signal: AbortSignal.timeout(readySeconds * 1000),
    });
    asset = Uint8Array.from(bytes);
    return `score ${made.score.toFixed(3)}`;
  });
  return asset;
}

export async function disturbDev(run: DevRun, asset: Uint8Array): Promise<void> {
  const { cluster, steps, client, pieces } = run;
  const kubectl = (...args: readonly string[]): Promise<string> =>
    cluster.kubectl("-n", namespace, ...args);
  /** Something happens under load, which goes on until all is Ready again, and every piece has its score. */
  const underLoad = (name: string, act: (load: Load) => Promise<void>): Promise<void> =>
    steps.step(name, async () => {
      const running = startLoad(client, asset, { leastPieces: pieces, parallel: 6 });
      await eventually(
        async () => running.ended(),
        (ended) => ended >= 1,
        {
          seconds: readySeconds,
          what: "the first piece of the load",
        },
      );
      await act(running);
      await allReady(cluster);
      return describeOutcome(await running.finish());
    });

  await steps.step("users of all processes", () => checkUsers(cluster, namespace));
  await steps.step("NetworkPolicies: each workload tries each port", () =>
    checkConnections(cluster, namespace, [
      "coordinator → nats:client",
      "miner → coordinator:axon",
      "miner → generator:http",
      "worker → nats:client",
    ]),
  );
  await underLoad("the node drained and given back", async () => {
    const drain = ["drain", "local-0", "--ignore-daemonsets", "--delete-emptydir-data"];
    await cluster.kubectl(...drain, "--timeout=300s");
    assert.deepEqual(await podsOf(cluster, "worker"), []);
    await cluster.kubectl("uncordon", "local-0");
  });
  await underLoad("`kubectl scale` 1 → 3 → 1", async (running) => {
    await kubectl("scale", "deployment/worker", "--replicas=3");
    await rollout(cluster, "deployment/worker");
    const before = running.ended();
    await eventually(
      async () => running.ended(),
      (ended) => ended >= before + 3,
      {
        seconds: readySeconds,
        what: "three pieces more",
      },
    );
    await kubectl("scale", "deployment/worker", "--replicas=1");
  });
  await underLoad("a worker killed (`kill -9`)", async () => {
    const [pod = ""] = await podsOf(cluster, "worker");
    const before = await restartsOf(cluster, pod);
    killProcess(pod);
    await eventually(
      () => restartsOf(cluster, pod),
      (restarts) => restarts > before,
      {
        seconds: readySeconds,
        what: `a restart of ${pod}`,
      },
    );
  });
  await underLoad("the coordinator's pod deleted", async () => {
    await kubectl("delete", "pod", "coordinator-0");
  });
  await underLoad("the coordinator's pod deleted by force", async () => {
    await kubectl("delete", "pod", "coordinator-0", "--grace-period=0", "--force");
  });
  await underLoad("NATS's pod deleted", async () => {
    await kubectl("delete", "pod", "nats-0");
  });
  await underLoad("NATS lost with its volume", async () => {
    await kubectl("delete", "pvc", "data-nats-0", "--wait=false");
    await kubectl("delete", "pod", "nats-0", "--grace-period=0", "--force");
  });
  await underLoad("rollout to another image, coordinator and workers", async () => {
    for (const [kind, name] of [
      ["statefulset", "coordinator"],
      ["deployment", "worker"],
    ] as const) {
      aliasImage(cluster.work, `turntable/${name}`, `turntable/${name}:v2`);
      await kubectl("set", "image", `${kind}/${name}`, `${name}=turntable/${name}:v2`);
    }
    await rollout(cluster, "statefulset/coordinator");
    await rollout(cluster, "deployment/worker");
  });
  await steps.step("the coordinator's own check of its records", async () => {
    const check = ["turntable-coordinator", "db", "check", "--data-dir", "/data"];
    return lastLine(await kubectl("exec", "coordinator-0", "--", ...check));
  });
}

/** KEDA's own intervals are for machines that cost money; here nobody waits ten minutes for them. */
const scaledSoon = (name: string, triggers: number): string => `
  - target: {kind: ScaledObject, name: ${name}}
    patch: |-
      - {op: replace, path: /spec/pollingInterval, value: 2}
      - {op: replace, path: /spec/cooldownPeriod, value: 20}
      - {op: replace, path: /spec/maxReplicaCount, value: 3}
      - {op: add, path: /spec/advanced, value: {horizontalPodAutoscalerConfig: {behavior: {scaleDown: {stabilizationWindowSeconds: 10}}}}}${[
        ...Array(triggers).keys(),
      ]
        .map(
          (index) => `
      - {op: replace, path: /spec/triggers/${index}/metadata/natsServerMonitoringEndpoint, value: "nats.${namespace}:8222"}`,
        )
        .join("")}`;
const withKeda = (components: string, patches: string, literals: readonly string[]): string => `
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: ${namespace}
resources: [K8S/overlays/dev]
components: [K8S/components/keda, K8S/components/keda-to-zero${components}]
patches: ${patches}
configMapGenerator:
  - {name: coordinator, behavior: merge, literals: ${JSON.stringify(literals)}}
`;
/** Clients' load alone decides. */
const keda = withKeda("", scaledSoon("worker", 3), ["TURNTABLE_PROMPTS_SYNTHETIC=false"]);

/** Beside //Bob, who is in the overlay. One hotkey makes one job at a time. */
const moreMiners = ["//Charlie", "//Dave"] as const;
const syntheticPool = (hotkeys: readonly string[]): string =>
  withKeda(
    ", K8S/components/synthetic-pool",
    `${scaledSoon("worker", 2)}${scaledSoon("worker-synthetic", 1)}
      - {op: replace, path: /spec/triggers/0/metadata/lagThreshold, value: "1"}
  - target: {kind: Deployment, name: worker-synthetic}
    patch: |-
      - {op: replace, path: /spec/template/spec/containers/0/resources/requests, value: {cpu: 500m, memory: 512Mi}}
      - {op: add, path: /spec/template/spec/containers/0/imagePullPolicy, value: IfNotPresent}`,
    [`TURNTABLE_CHAIN_REGISTER=${hotkeys.join(",")}`],
  );

export async function scaleDevByLag(run: DevRun, asset: Uint8Array): Promise<void> {
  const { cluster, steps, client, pieces } = run;
  const kubectl = (...args: readonly string[]): Promise<string> =>
    cluster.kubectl("-n", namespace, ...args);
  const apply = async (kustomization: string): Promise<void> => {
    const folder = join(cluster.work, "keda-dev");
    mkdirSync(folder, { recursive: true });
    const k8s = relative(folder, join(root, "k8s"));
    writeFileSync(join(folder, "kustomization.yaml"), kustomization.replaceAll("K8S", k8s));
    await cluster.kubectl("apply", "-k", folder, "--validate=strict");
    await rollout(cluster, "statefulset/coordinator");
  };
  const replicas = async (deployment: string): Promise<number> =>
    Number(await kubectl("get", `deployment/${deployment}`, "-o", "jsonpath={.spec.replicas}"));
  const reach = (deployment: string, what: string, fits: (count: number) => boolean) =>
    eventually(() => replicas(deployment), fits, { seconds: readySeconds, what });
  await steps.step("KEDA: no job, no worker", async () => {
    await apply(keda);
    await reach("worker", "workers without jobs", (count) => count === 0);
    return "0 workers";
  });
  await steps.step("KEDA: jobs wait, workers come, all are done", async () => {
    const running = startLoad(client, asset, { leastPieces: pieces, parallel: 12 });
    const most = await reach("worker", "workers while jobs wait", (count) => count >= 3);
    return `0 → ${most} workers, ${describeOutcome(await running.finish())}`;
  });
  await steps.step("KEDA: the jobs are done, the workers go", async () => {
    await reach("worker", "workers after the last job", (count) => count === 0);
    return "0 workers";
  });
  const pool = "worker-synthetic";
  const miners = ["miner", ...moreMiners.map((uri) => `miner-${uri.slice(2).toLowerCase()}`)];
  await steps.step("KEDA, `synthetic-pool`: no synthetic job, no worker", async () => {
    await ready();
    const { spec } = JSON.parse(await kubectl("get", "deployment/miner", "-o", "json")) as {
      readonly spec: DeploymentSpec;
    };
    await kubectl("scale", "deployment/miner", "--replicas=0");
    await apply(syntheticPool(["//Bob", ...moreMiners].map((uri) => keypairFromUri(uri).ss58)));
    for (const [index, uri] of moreMiners.entries()) {
      await cluster.apply(JSON.stringify(minerLike(spec, miners[index + 1] ?? "", uri)));
    }
    await reach(pool, "workers without synthetic jobs", (count) => count === 0);
    return "0 workers";
  });
  await steps.step(
    "KEDA, `synthetic-pool`: miners submit, workers come, and go with them",
    async () => {
      const scale = (count: number): Promise<unknown> =>
        kubectl("scale", ...miners.map((name) => `deployment/${name}`), `--replicas=${count}`);
      await scale(1);
      const most = await reach(pool, "workers for synthetic jobs", (count) => count >= 2);
      const accepted = async (): Promise<number> => {
        const logs = await Promise.all(
          miners.map((name) => kubectl("logs", `deployment/${name}`).catch(() => "")),
        );
        return logs.join("\n").split('"outcome":"accepted"').length - 1;
      };
      const tasks = await eventually(accepted, (count) => count >= miners.length, {
        seconds: readySeconds,
        what: "tasks that are accepted",
      });
      assert.equal(await replicas("worker"), 0, "workers for what clients wait for");
      await scale(0);
      await reach(pool, "workers after the last synthetic job", (count) => count === 0);
      return `0 → ${most} → 0 workers, ${tasks} tasks accepted; none of the other workers`;
    },
  );
}

/** The overlay's miner with another name and hotkey, not started yet. */
function minerLike(spec: DeploymentSpec, name: string, uri: string): unknown {
  const { template } = spec;
  const label = { "turntable/miner": name };
  const [container = assert.fail()] = template.spec.containers;
  const env = container.env.map((set) =>
    set.name === "TURNTABLE_HOTKEY_URI" ? { ...set, value: uri } : set,
  );
  const labels = { ...template.metadata.labels, ...label };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace },
    spec: {
      ...spec,
      replicas: 0,
      selector: { matchLabels: label },
      template: {
        ...template,
        metadata: { labels },
        spec: { ...template.spec, containers: [{ ...container, env }] },
      },
    },
  };
}

async function allReady(cluster: Cluster): Promise<void> {
  for (const workload of workloads) {
    await rollout(cluster, workload);
  }
}

async function rollout(cluster: Cluster, workload: string): Promise<void> {
  await cluster.kubectl(
    ...["-n", namespace, "rollout", "status", workload, `--timeout=${readySeconds}s`],
  );
}

async function podsOf(cluster: Cluster, name: string): Promise<readonly string[]> {
  const selector = `app.kubernetes.io/name=${name}`;
  const names = ["get", "pods", "-l", selector, "--field-selector=status.phase=Running"];
  const text = await cluster.kubectl("-n", namespace, ...names, "-o", "name");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.replace("pod/", ""));
}

async function restartsOf(cluster: Cluster, pod: string): Promise<number> {
  const path = "jsonpath={.status.containerStatuses[0].restartCount}";
  return Number(await cluster.kubectl("-n", namespace, "get", "pod", pod, "-o", path));
}

/** What runs in the pod's network, but for what only waits for it: as a crash would. */
function killProcess(pod: string): void {
  const pids = execFileSync("ip", ["netns", "pids", `local-0_${namespace}_${pod}`], {
    encoding: "utf8",
  });
  const names = pids
    .trim()
    .split(/\s+/)
    .map(
      (pid) =>
        [
          Number(pid),
          execFileSync("ps", ["-o", "comm=", "-p", pid], { encoding: "utf8" }).trim(),
        ] as const,
    );
  const node = names.find(([, name]) => /^(node|MainThread|turntable)/.test(name));
  assert.ok(node !== undefined, `no node process in ${pod}: ${JSON.stringify(names)}`);
  process.kill(node[0], "SIGKILL");
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
