/**
 * The production overlay: accepted by a namespace that enforces `restricted`, running as far as one machine can, and what
 * the cluster says to an operator where something is missing.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join, relative } from "node:path";
import { promisify } from "node:util";
import type { Cluster } from "../kube/cluster.ts";
import { aliasImage } from "../kube/images.ts";
import { eventually, type Steps } from "./steps.ts";

const root = join(import.meta.dirname, "../../..");
const namespace = "turntable";
const seconds = 600;

/** One machine, no GPU behind what the node offers, no way out: all else is as in prod. */
const onOneMachine = `
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: ${namespace}
resources: [K8S/overlays/prod]
configMapGenerator:
  - {name: coordinator, behavior: merge, literals: [TURNTABLE_CHAIN_ENDPOINTS=memory]}
  - {name: worker, behavior: merge, literals: [TURNTABLE_BACKEND=cpu, TURNTABLE_EXECUTION_PROVIDER=cpu]}
patches:
  - target: {kind: StatefulSet, name: nats}
    patch: |-
      - {op: remove, path: /spec/template/spec/affinity}
  - target: {kind: Deployment, name: worker}
    patch: |-
      - {op: replace, path: /spec/template/spec/containers/0/resources/requests, value: {cpu: 500m, memory: 512Mi}}
`;

export async function tryProd(cluster: Cluster, steps: Steps): Promise<void> {
  const kubectl = (...args: readonly string[]): Promise<string> =>
    cluster.kubectl("-n", namespace, ...args);
  /** The latest event or condition that says it. */
  const says = async (name: string, pattern: RegExp, ask: () => Promise<string>): Promise<void> => {
    await steps.step(name, async () => {
      const text = await eventually(ask, (found) => pattern.test(found), { seconds, what: name });
      return `“${pattern.exec(text)?.[0].trim()}”`;
    });
  };
  /** Of pods whose names start so, since which of several comes first is chance. */
  const eventsOf = async (pods: string): Promise<string> => {
    const each = "{range .items[*]}{.involvedObject.name} {.reason}: {.message}{'\\n'}{end}";
    const all = await kubectl("get", "events", "-o", `jsonpath=${each}`);
    return all
      .split("\n")
      .filter((line) => line.startsWith(pods))
      .map((line) => line.slice(line.indexOf(" ") + 1))
      .join("\n");
  };

  await steps.step("prod: accepted with `--validate=strict`", async () => {
    const folder = join(root, "k8s/overlays/prod");
    const text = await cluster.kubectl("apply", "-k", folder, "--validate=strict");
    const warnings = text.split("\n").filter((line) => line.startsWith("Warning"));
    assert.deepEqual(warnings, []);
    return `${text.trim().split("\n").length} objects, no warning`;
  });
  await says("prod without its Secrets: coordinator", /FailedMount: .*not found.*/, () =>
    eventsOf("coordinator-0"),
  );
  await says(
    "prod with one node: NATS's second server",
    /FailedScheduling: .*anti-affinity[^.]*/,
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
  await steps.step("a pod as root: refused by `restricted`", async () => {
    const refusal = await kubectl("run", "root", "--image=debian", "--", "sleep", "60").then(
      () => assert.fail("it was taken"),
      String,
    );
    const reason = /violates PodSecurity "restricted:[^"]*": [^(]*/.exec(refusal)?.[0];
    assert.ok(reason !== undefined, refusal);
    return `“${reason.trim()} …”`;
  });

  await steps.step("prod with Secrets, on one machine: all Ready", async () => {
    await makeSecrets(cluster);
    aliasImage(cluster.work, "turntable/worker", "turntable/worker-webgpu");
    await cluster.kubectl(
      ...["patch", "node", "local-0", "--subresource=status", "--type=merge", "-p"],
      JSON.stringify({
        status: { capacity: { "nvidia.com/gpu": "4" }, allocatable: { "nvidia.com/gpu": "4" } },
      }),
    );
    const folder = join(cluster.work, "prod-on-one-machine");
    mkdirSync(folder, { recursive: true });
    const k8s = relative(folder, join(root, "k8s"));
    writeFileSync(join(folder, "kustomization.yaml"), onOneMachine.replaceAll("K8S", k8s));
    await cluster.kubectl("apply", "-k", folder, "--validate=strict");
    // A StatefulSet waits for a pod that never was Ready, whatever its new template says.
    await kubectl("delete", "pods", "-l", "app.kubernetes.io/name in (nats, coordinator)");
    for (const workload of [
      "statefulset/nats",
      "statefulset/coordinator",
      "statefulset/prompts",
      "deployment/worker",
    ]) {
      await kubectl("rollout", "status", workload, `--timeout=${seconds}s`);
    }
    return "three NATS servers with TLS and roles, coordinator, prompts, a worker";
  });
  await steps.step("NATS: streams on three servers", async () => {
    const look = `fetch("http://nats-0.nats:8222/jsz?streams=true&config=true").then((r) => r.json()).then((j) => console.log(JSON.stringify(j.account_details[0].stream_detail.map((s) => [s.name, s.config.num_replicas, (s.cluster.replicas ?? []).length + 1]))))`;
    const text = await kubectl("exec", "coordinator-0", "--", "node", "-e", look);
    const streams: readonly [string, number, number][] = JSON.parse(text);
    assert.ok(streams.length >= 2);
    for (const [name, replicas, servers] of streams) {
      assert.deepEqual([replicas, servers], [3, 3], name);
    }
    return streams.map(([name]) => name).join(", ");
  });
}

/** As k8s/README.md says it, with a development key in the place of a wallet. */
async function makeSecrets(cluster: Cluster): Promise<void> {
  const wallets = join(cluster.work, "wallets");
  const run = promisify(execFile);
  await run(join(root, "node_modules/.bin/bittensor-wallet"), ["create", "--path", wallets]);
  const wallet = join(wallets, "default/hotkeys/default");
  const keys = join(cluster.work, "api-keys");
  writeFileSync(keys, "prod turntable-prod-key\n");
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
}
