/**
 * The production overlay: accepted by a namespace that enforces `restricted`, running as far as one machine can, and what
 * the cluster says to an operator where something is missing.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join, relative } from "node:path";
import { promisify } from "node:util";
import type { TurntableClient } from "@turntable/client";
import type { Cluster } from "../kube/cluster.ts";
import { aliasImage } from "../kube/images.ts";
import {
  checkConnections,
  checkUsers,
  reachable,
  runningPods,
  strangerReaches,
} from "./connections.ts";
import { connect, describeOutcome, startLoad } from "./load.ts";
import {
  chainUrl,
  externalAddress,
  type Miner,
  type Outside,
  outsideAddress,
  outsideNetwork,
  startOutside,
} from "./outside.ts";
import { eventually, type Steps } from "./steps.ts";

const root = join(import.meta.dirname, "../../..");
const namespace = "turntable";
const seconds = 600;

const apiKey = "turntable-prod-key";

/** One machine, no GPU behind what the node offers, a chain of the test's: all else is as in prod. */
const onOneMachine = `
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: ${namespace}
resources: [K8S/overlays/prod]
components: [COMPONENTS]
configMapGenerator:
  - name: coordinator
    behavior: merge
    literals:
      - TURNTABLE_CHAIN_ENDPOINTS=${chainUrl}
      - TURNTABLE_AXON_EXTERNAL_IP=${externalAddress}
  - {name: worker, behavior: merge, literals: [TURNTABLE_BACKEND=cpu, TURNTABLE_EXECUTION_PROVIDER=cpu]}
patches:
  - target: {kind: StatefulSet, name: nats}
    patch: |-
      - {op: remove, path: /spec/template/spec/affinity}
  - target: {kind: Deployment, name: worker}
    patch: |-
      - {op: replace, path: /spec/template/spec/containers/0/resources/requests, value: {cpu: 500m, memory: 512Mi}}
`;

export interface ProdRun {
  readonly cluster: Cluster;
  readonly steps: Steps;
  /** Where the API is reached. */
  readonly address: string;
  /** Of one step. */
  readonly pieces: number;
}

export async function tryProd(run: ProdRun): Promise<void> {
  await refuseProd(run);
  await using outside = await startProd(run);
  using client = connect(run.address, apiKey);
  const asset = await reachProd(run, outside, client);
  await disturbProd(run, client, asset);
  await openNodePort(run, outside, client);
  await standBy(run, client, asset);
  // Its node port, too, is another's to take then.
  await run.cluster.kubectl("delete", "namespace", namespace);
}

/** What a cluster says where something is missing. */
async function refuseProd({ cluster, steps }: ProdRun): Promise<void> {
  const kubectl = (...args: readonly string[]): Promise<string> =>
    cluster.kubectl("-n", namespace, ...args);
  /** The latest event or condition that says it. */
  const says = async (name: string, pattern: RegExp, ask: () => Promise<string>): Promise<void> => {
    await steps.step(name, async () => {
      const text = await eventually(ask, (found) => pattern.test(found), { seconds, what: name });
      return `“${pattern.exec(text)?.[0].trim()}”`;
    });
  };
  /**
   * Of pods whose names start so, since which of several comes first is chance: their events, and what the scheduler says
   * in their conditions. It counts its events as one series, which keeps the words of the first.
   */
  const eventsOf = async (pods: string): Promise<string> => {
    const event = "{range .items[*]}{.involvedObject.name} {.reason}: {.message}{'\\n'}{end}";
    const condition =
      "{range .items[*]}{.metadata.name} FailedScheduling: {.status.conditions[?(@.reason=='Unschedulable')].message}{'\\n'}{end}";
    const texts = await Promise.all([
      kubectl("get", "events", "-o", `jsonpath=${event}`),
      kubectl("get", "pods", "-o", `jsonpath=${condition}`),
    ]);
    return texts
      .flatMap((text) => text.split("\n"))
      .filter((line) => line.startsWith(pods))
      .map((line) => line.slice(line.indexOf(" ") + 1))
      .join("\n");
  };

  await steps.step("prod: accepted with `--validate=strict`", async () => {
    const folder = join(root, "k8s/overlays/prod");
    const warnings: string[] = [];
    const warn = (line: string): number => warnings.push(line);
    const text = await cluster.kubectlWith(warn, "apply", "-k", folder, "--validate=strict");
    assert.deepEqual(warnings, []);
    return `${text.trim().split("\n").length} objects, no warning`;
  });
  await says("prod without its Secrets: coordinator", /FailedMount: .*not found.*/, () =>
    eventsOf("coordinator-0"),
  );
  await says(
    "prod with one node: NATS's second server",
    /FailedScheduling: .*?anti-affinity rules/,
    () => eventsOf("nats-"),
  );
  await says("prod without GPUs: a worker", /FailedScheduling: .*nvidia\.com\/gpu/, async () => {
    const pods = await kubectl("get", "pods", "-l", "app.kubernetes.io/name=worker", "-o", "name");
    const [pod = ""] = pods.trim().split("\n");
    return eventsOf(pod.replace("pod/", ""));
  });
  await says("a quota that is used up: the Deployment", /exceeded quota: [^"]*/, async () => {
    await kubectl("create", "quota", "small", "--hard=requests.cpu=1").catch(() => "");
    await kubectl("delete", "pods", "-l", "app.kubernetes.io/name=worker", "--wait=false");
    return kubectl("get", "deployment", "worker", "-o", "jsonpath={.status.conditions[*].message}");
  });
  await kubectl("delete", "quota", "small");
  for (const [name, securityContext] of [
    ["a pod as root: refused by `restricted`", {}],
    ["a privileged pod: refused by `restricted`", { privileged: true }],
  ] as const) {
    await steps.step(name, async () => {
      const spec = { containers: [{ name: "main", image: "debian", securityContext }] };
      const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "intruder" }, spec };
      const refusal = await cluster
        .apply(JSON.stringify(pod), "-n", namespace)
        .then(() => assert.fail("it was taken"), String);
      const reason = /violates PodSecurity "restricted:[^"]*": [^(]*/.exec(refusal)?.[0];
      assert.ok(reason !== undefined, refusal);
      return `“${reason.trim()} …”`;
    });
  }
  await steps.step("a Deployment of such pods: kubectl warns", async () => {
    const warnings: string[] = [];
    const create = ["-n", namespace, "create", "deployment", "intruder", "--image=debian"];
    await cluster.kubectlWith((line) => warnings.push(line), ...create);
    await kubectl("delete", "deployment", "intruder");
    const warning = /would violate PodSecurity [^(]*/.exec(warnings.join(" "))?.[0];
    assert.ok(warning !== undefined, "kubectl said nothing");
    return `“${warning.trim()} …”`;
  });
}

/** With its Secrets, and the world around it. */
async function startProd({ cluster, steps }: ProdRun): Promise<Outside> {
  await using stack = new AsyncDisposableStack();
  let outside: Outside | undefined;
  await steps.step("prod with Secrets, on one machine: all Ready", async () => {
    const validator = await makeSecrets(cluster);
    outside = stack.use(await startOutside(validator, cluster.work));
    aliasImage(cluster.work, "turntable/worker", "turntable/worker-webgpu");
    await offerGpus(cluster, "4");
    await applyOnOneMachine(cluster);
    // A StatefulSet waits for a pod that never was Ready, whatever its new template says.
    const stuck = ["-l", "app.kubernetes.io/name in (nats, coordinator)"];
    await cluster.kubectl("-n", namespace, "delete", "pods", ...stuck);
    await allReady(cluster);
    return "three NATS servers with TLS and roles, coordinator, prompts, a worker that has a GPU";
  });
  stack.move();
  return outside ?? assert.fail();
}

async function offerGpus(cluster: Cluster, count: string): Promise<void> {
  const gpus = { "nvidia.com/gpu": count };
  await cluster.kubectl(
    ...["patch", "node", "local-0", "--subresource=status", "--type=merge", "-p"],
    JSON.stringify({ status: { capacity: gpus, allocatable: gpus } }),
  );
}

async function applyOnOneMachine(
  cluster: Cluster,
  ...components: readonly string[]
): Promise<void> {
  const folder = join(cluster.work, "prod-on-one-machine");
  mkdirSync(folder, { recursive: true });
  const k8s = relative(folder, join(root, "k8s"));
  const added = components.map((name) => `${k8s}/components/${name}`).join(", ");
  const text = onOneMachine.replaceAll("K8S", k8s).replace("COMPONENTS", added);
  writeFileSync(join(folder, "kustomization.yaml"), text);
  await cluster.kubectl("apply", "-k", folder, "--validate=strict");
}

async function allReady(cluster: Cluster): Promise<void> {
  for (const workload of [
    "statefulset/nats",
    "statefulset/coordinator",
    "statefulset/prompts",
    "deployment/worker",
  ]) {
    const status = ["-n", namespace, "rollout", "status", workload, `--timeout=${seconds}s`];
    await cluster.kubectl(...status);
  }
}

/** Who gets in, and who does not. @returns an asset of the miner's */
async function reachProd(
  { cluster, steps }: ProdRun,
  outside: Outside,
  client: TurntableClient,
): Promise<Uint8Array> {
  const coordinator = async (): Promise<Awaited<ReturnType<typeof runningPods>>[number]> =>
    (await runningPods(cluster, namespace)).find(({ app }) => app === "coordinator") ??
    assert.fail();
  await steps.step("NATS: streams on three servers", async () => {
    const look = `fetch("http://localhost:8222/jsz?streams=true&config=true").then((r) => r.json()).then((j) => console.log(JSON.stringify([j.meta_cluster, j.account_details[0].stream_detail.map((s) => [s.name, s.config.num_replicas, (s.cluster.replicas ?? []).length + 1])])))`;
    const command = ["netns", "exec", `local-0_${namespace}_nats-0`, process.execPath, "-e", look];
    const { stdout } = await promisify(execFile)("ip", command);
    const [meta, streams]: [
      { readonly cluster_size: number },
      readonly (readonly [string, number, number])[],
    ] = JSON.parse(stdout);
    assert.equal(meta.cluster_size, 3);
    assert.ok(streams.length >= 2);
    for (const [name, replicas, servers] of streams) {
      assert.deepEqual([replicas, servers], [3, 3], name);
    }
    return streams.map(([name]) => name).join(", ");
  });
  await steps.step("NATS: what a worker's password is refused", async () => {
    const [worker = assert.fail()] = (await runningPods(cluster, namespace)).filter(
      ({ app }) => app === "worker",
    );
    const run = ["node", "--input-type=module", "-e", tryAsWorker];
    const text = await cluster.kubectl("-n", namespace, "exec", worker.name, "--", ...run);
    assert.deepEqual(JSON.parse(text), [...refusedToWorkers, "no password", "no TLS"]);
    return `${refusedToWorkers.length} subjects; nobody without a password or without TLS`;
  });
  await steps.step("users of all processes", () => checkUsers(cluster, namespace));
  await steps.step("NetworkPolicies: each workload tries each port", () =>
    checkConnections(cluster, namespace, [
      "coordinator → nats:client",
      "coordinator → prompts:http",
      "nats → nats:cluster",
      "worker → nats:client",
    ]),
  );
  await steps.step(
    "NetworkPolicies: a stranger, and one with the label of the API's clients",
    async () => {
      const { ports } = await coordinator();
      const names = (reached: readonly string[]): string =>
        reached.map((name) => name.replace("coordinator:", "")).join(", ");
      const stranger = names(await strangerReaches(cluster, {}, ports));
      assert.equal(stranger, "axon");
      const label = { "turntable/api-client": "true" };
      const user = names(await strangerReaches(cluster, label, ports));
      assert.equal(user, "grpc, axon, http");
      return `${stranger}; ${user}`;
    },
  );
  await steps.step("the axon's address is on the chain", async () => {
    const axon = await eventually(
      async () => outside.told.findLast(({ kind }) => kind === "axon"),
      (found) => found !== undefined,
      { seconds, what: "an axon on the chain" },
    );
    assert.deepEqual(axon, { kind: "axon", ip: externalAddress, port: 8091 });
    const ip = await cluster.kubectl(
      ...["-n", namespace, "get", "service", "axon"],
      ...["-o", "jsonpath={.status.loadBalancer.ingress[0].ip}"],
    );
    assert.equal(ip, externalAddress);
    return `${axon.ip}:${axon.port}, which is the load balancer's`;
  });
  await steps.step("from outside the axon alone is reached, and nothing else", async () => {
    const doors = [8091, 50051, 50052, 9090, 4222, 8222, 6222, 8095];
    const targets = doors.map((port) => ({ name: String(port), host: externalAddress, port }));
    assert.deepEqual(await reachable(outsideNetwork, targets), ["8091"]);
    return `1 of ${doors.length} ports`;
  });
  await steps.step("a task with a prompt of the prompt service's, by a miner outside", async () => {
    outside.mine("//Bob");
    await accepted(outside, "//Bob");
    const log = await cluster.kubectl("-n", namespace, "logs", "coordinator-0");
    const pull = log.split("\n").find((line) => line.includes('"synapse":"PullTask"')) ?? "{}";
    const { remote } = JSON.parse(pull) as { readonly remote?: string };
    assert.equal(remote, outsideAddress);
    return "accepted; the coordinator sees the miner's own address";
  });
  let asset = new Uint8Array();
  await steps.step("a task through the API, by a miner outside", async () => {
    outside.mine("//Charlie");
    const patience = AbortSignal.timeout(seconds * 1000);
    const { asset: made, bytes } = await client.generate("a red cube", { signal: patience });
    asset = Uint8Array.from(bytes);
    return `score ${made.score.toFixed(3)}`;
  });
  return asset;
}

async function accepted(outside: Outside, miner: Miner): Promise<void> {
  await eventually(
    async () => outside.told.filter((told) => told.kind === "task" && told.miner === miner),
    (tasks) => tasks.some((told) => told.kind === "task" && told.outcome === "accepted"),
    { seconds, what: `a task of ${miner}'s that is accepted` },
  );
}

async function disturbProd(
  { cluster, steps, pieces }: ProdRun,
  client: TurntableClient,
  asset: Uint8Array,
): Promise<void> {
  const underLoad = (name: string, act: () => Promise<void>): Promise<void> =>
    steps.step(name, async () => {
      const running = startLoad(client, asset, { leastPieces: pieces, parallel: 6 });
      await act();
      await allReady(cluster);
      return describeOutcome(await running.finish());
    });
  await underLoad("prod: KEDA counts jobs on three servers", async () => {
    const conditions = ["get", "scaledobject", "worker", "-o", "jsonpath={.status.conditions}"];
    await eventually(
      () => cluster.kubectl("-n", namespace, ...conditions),
      (text) =>
        (JSON.parse(text || "[]") as readonly { readonly type: string; readonly status: string }[])
          .filter(({ status }) => status === "True")
          .map(({ type }) => type)
          .filter((type) => type === "Ready" || type === "Active").length === 2,
      { seconds, what: "a ScaledObject that is Ready and Active" },
    );
  });
  await underLoad("prod: NATS's servers restarted, one after another", async () => {
    await cluster.kubectl("-n", namespace, "rollout", "restart", "statefulset/nats");
  });
  await underLoad("prod: a NATS server lost with its volume", async () => {
    await cluster.kubectl("-n", namespace, "delete", "pvc", "data-nats-1", "--wait=false");
    const force = ["--grace-period=0", "--force"];
    await cluster.kubectl("-n", namespace, "delete", "pod", "nats-1", ...force);
  });
  await steps.step("prod: new workers where every GPU is taken", async () => {
    const scale = ["-n", namespace, "get", "deployment/worker", "-o", "jsonpath={.spec.replicas}"];
    const workers = await cluster.kubectl(...scale);
    await offerGpus(cluster, workers);
    await cluster.kubectl("-n", namespace, "rollout", "restart", "deployment/worker");
    await allReady(cluster);
    await offerGpus(cluster, "4");
    return `${workers} workers, as many GPUs`;
  });
}

async function openNodePort(
  { cluster, steps }: ProdRun,
  outside: Outside,
  client: TurntableClient,
): Promise<void> {
  await steps.step(
    "`axon-nodeport`: the chain says the node's port, and a miner finds it",
    async () => {
      await applyOnOneMachine(cluster, "axon-nodeport");
      await allReady(cluster);
      const axon = await eventually(
        async () => outside.told.findLast(({ kind }) => kind === "axon"),
        (found) => found?.kind === "axon" && found.port === 30891,
        { seconds, what: "the new port on the chain" },
      );
      outside.mine("//Dave");
      await client.generate("a blue ball", { signal: AbortSignal.timeout(seconds * 1000) });
      await accepted(outside, "//Dave");
      assert.ok(axon?.kind === "axon");
      return `${axon.ip}:${axon.port}`;
    },
  );
}

/** A second coordinator, on a node of its own, and what happens when the one that leads goes. */
async function standBy(
  { cluster, steps, pieces }: ProdRun,
  client: TurntableClient,
  asset: Uint8Array,
): Promise<void> {
  const kubectl = (...args: readonly string[]): Promise<string> =>
    cluster.kubectl("-n", namespace, ...args);
  const ready = async (pod: string): Promise<boolean> => {
    const condition = "jsonpath={.status.conditions[?(@.type=='Ready')].status}";
    return (await kubectl("get", "pod", pod, "--ignore-not-found", "-o", condition)) === "True";
  };
  const until = (what: string, ask: () => Promise<boolean>): Promise<boolean> =>
    eventually(ask, (isSo) => isSo, { seconds, what });
  const untilReady = (pod: string): Promise<boolean> => until(`${pod} is Ready`, () => ready(pod));
  const untilLogged = (pod: string, words: string): Promise<boolean> =>
    until(`${pod} logs ${words}`, async () =>
      (await kubectl("logs", pod).catch(() => "")).includes(words),
    );
  /** @returns how long it took until `next` was Ready, and what became of the load */
  const takenOver = async (next: string, lose: () => Promise<unknown>): Promise<string> => {
    const running = startLoad(client, asset, { leastPieces: pieces, parallel: 6 });
    await until("a first piece of the load", async () => running.ended() > 0);
    const lostAt = Date.now();
    await lose();
    await untilReady(next);
    const tookMs = Date.now() - lostAt;
    const outcome = describeOutcome(await running.finish());
    return `${next} Ready after ${(tookMs / 1000).toFixed(1)} s; ${outcome}`;
  };

  await steps.step("`standby`: an empty one waits, follows the one that has the data", async () => {
    await cluster.addNode();
    await applyOnOneMachine(cluster, "axon-nodeport", "standby");
    await untilLogged("coordinator-1", "--standby-enabled");
    assert.deepEqual([await ready("coordinator-0"), await ready("coordinator-1")], [true, false]);
    await kubectl("delete", "pod", "coordinator-0");
    await untilReady("coordinator-0");
    await untilLogged("coordinator-1", "standing by");
    const where = "jsonpath={.items[*].spec.nodeName}";
    return await kubectl("get", "pods", "-l", "app.kubernetes.io/name=coordinator", "-o", where);
  });
  await steps.step("`standby`: the pod that leads deleted", async () => {
    const seen = await takenOver("coordinator-1", () => kubectl("delete", "pod", "coordinator-0"));
    await untilLogged("coordinator-0", "standing by");
    return seen;
  });
  await steps.step("`standby`: the node of the one that leads lost without a word", () =>
    takenOver("coordinator-0", async () => cluster.loseNode()),
  );
  await steps.step("`standby`: its check of its records", async () => {
    const check = ["turntable-coordinator", "db", "check", "--data-dir", "/data"];
    const text = await kubectl("exec", "coordinator-0", "--", ...check);
    return text.trim().split("\n").at(-1) ?? "";
  });
  await cluster.kubectl("delete", "node", "local-1");
}

/** To give jobs, to take results, to remove streams. */
const refusedToWorkers = [
  "turntable.job.v1.organic.x",
  "$JS.API.CONSUMER.MSG.NEXT.RESULTS.coordinator",
  "$JS.API.STREAM.DELETE.JOBS",
  "$JS.API.STREAM.MSG.GET.RESULTS",
];
/** Runs in a worker's container, with what is there. */
const tryAsWorker = `
import { readFileSync } from "node:fs";
import { connect } from "@nats-io/transport-node";
const servers = "nats:4222";
const pass = readFileSync("/secrets/nats/password", "utf8").trim();
const tls = { caFile: "/secrets/nats-tls/ca.crt" };
const nats = await connect({ servers, user: "worker", pass, tls });
const refused = [];
const watching = (async () => {
  for await (const { type, error } of nats.status()) {
    if (type === "error") refused.push(error.subject);
  }
})();
for (const subject of ${JSON.stringify(refusedToWorkers)}) nats.publish(subject, "");
await nats.flush();
await nats.close();
await watching;
for (const [name, options] of [["no password", { tls }], ["no TLS", { user: "worker", pass }]]) {
  await connect({ servers, ...options, maxReconnectAttempts: 0 }).then((open) => open.close(), () => refused.push(name));
}
console.log(JSON.stringify(refused));
`;

/** As k8s/README.md says it. @returns ss58 of the validator's hotkey */
async function makeSecrets(cluster: Cluster): Promise<string> {
  const wallets = join(cluster.work, "wallets");
  const run = promisify(execFile);
  await run(join(root, "node_modules/.bin/bittensor-wallet"), ["create", "--path", wallets]);
  const wallet = join(wallets, "default/hotkeys/default");
  const keys = join(cluster.work, "api-keys");
  writeFileSync(keys, `prod ${apiKey}\n`);
  const create = ["-n", namespace, "create", "secret", "generic"];
  await cluster.kubectl(...create, "validator-hotkey", `--from-file=hotkey=${wallet}`);
  await cluster.kubectl(...create, "api-keys", `--from-file=api-keys=${keys}`);
  // One each, as k8s/README.md makes them.
  const passwords = ["coordinator", "worker", "caller", "monitoring"].map(
    (role) => `--from-literal=${role}=p${randomBytes(16).toString("hex")}`,
  );
  await cluster.kubectl(...create, "nats-passwords", ...passwords);
  // The script calls kubectl by its name.
  const bin = join(cluster.work, "path");
  mkdirSync(bin);
  writeFileSync(join(bin, "kubectl"), `#!/bin/sh\nexec ${cluster.work}/bin/kube kubectl "$@"\n`, {
    mode: 0o755,
  });
  await run(join(root, "k8s/components/tls/make-certificate.sh"), [namespace], {
    env: {
      PATH: `${bin}${delimiter}${process.env.PATH}`,
      KUBECONFIG: join(cluster.work, "kubeconfig"),
    },
  });
  const { ss58Address } = JSON.parse(readFileSync(wallet, "utf8")) as {
    readonly ss58Address: string;
  };
  return ss58Address;
}
