/**
 * Every component on a cluster that has the types it needs: taken by the API server's own validation, and a claim of a GPU
 * allocated by the scheduler, which reads the expression in it.
 */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { Cluster } from "../kube/cluster.ts";
import { aliasImage } from "../kube/images.ts";
import { components } from "../rendered.ts";
import { eventually, type Steps } from "./steps.ts";

const root = join(import.meta.dirname, "../../..");
const namespace = "turntable-components";
const seconds = 120;
/** What goes on top of another component only, or in its place. */
const before: Readonly<Record<string, readonly string[]>> = { "keda-to-zero": ["keda"] };

export async function tryComponents(cluster: Cluster, steps: Steps): Promise<void> {
  const kubectl = (...args: readonly string[]): Promise<string> =>
    cluster.kubectl("-n", namespace, ...args);
  await cluster.kubectl("apply", "--server-side", "-f", cluster.typeDefinitions);
  await cluster.kubectl("create", "namespace", namespace);
  const enforce = "pod-security.kubernetes.io/enforce=restricted";
  await cluster.kubectl("label", "namespace", namespace, enforce);
  // Types that were just defined are served a moment later.
  await cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s");
  // What runs is another part's matter.
  await kubectl("create", "quota", "no-pods", "--hard=pods=0");

  for (const name of components) {
    await steps.step(`base + \`${name}\`: accepted with \`--validate=strict\``, async () => {
      const warnings: string[] = [];
      const folder = makeFolder(cluster, ...(before[name] ?? []), name);
      const warn = (line: string): number => warnings.push(line);
      const text = await cluster.kubectlWith(warn, "apply", "-k", folder, "--validate=strict");
      assert.deepEqual(warnings, []);
      const kinds = text.trim().split("\n");
      return `${kinds.length} objects, no warning`;
    });
  }

  await kubectl("delete", "deployments,statefulsets", "--all");
  await kubectl("delete", "quota", "no-pods");
  aliasImage(cluster.work, "turntable/worker", "turntable/worker-webgpu");
  await cluster.apply(JSON.stringify(deviceClass));
  const claimed = async (): Promise<string> => {
    const each = "{range .items[*]}{.status.allocation.devices.results[0].device} {end}";
    return (await kubectl("get", "resourceclaims", "-o", `jsonpath=${each}`)).trim();
  };
  await steps.step("`gpu-nvidia-dra`: no GPU has the memory asked for", async () => {
    await cluster.apply(JSON.stringify(slice(1, "4Gi")));
    await cluster.kubectl("apply", "-k", makeFolder(cluster, "gpu-nvidia-dra"));
    const because = "jsonpath={.items[*].status.conditions[?(@.reason=='Unschedulable')].message}";
    const select = ["-l", "app.kubernetes.io/name=worker"];
    const text = await eventually(
      () => kubectl("get", "pods", ...select, "-o", because),
      (found) => found.includes("cannot allocate all claims"),
      { seconds, what: "why no worker is scheduled" },
    );
    assert.equal(await claimed(), "");
    return `“${/[^.:]*cannot allocate all claims/.exec(text)?.[0].trim()}”`;
  });
  await steps.step("`gpu-nvidia-dra`: GPUs with enough of it, one for each worker", async () => {
    await cluster.apply(JSON.stringify(slice(2, "80Gi")));
    const devices = await eventually(claimed, (found) => found.split(" ").length >= 2, {
      seconds,
      what: "claims that are allocated",
    });
    assert.equal(new Set(devices.split(" ")).size, devices.split(" ").length);
    return devices;
  });
  await cluster.kubectl("delete", "namespace", namespace);
}

function makeFolder(cluster: Cluster, ...added: readonly string[]): string {
  const folder = join(cluster.work, `with-${added.join("-")}`);
  mkdirSync(folder, { recursive: true });
  const k8s = relative(folder, join(root, "k8s"));
  writeFileSync(
    join(folder, "kustomization.yaml"),
    JSON.stringify({
      apiVersion: "kustomize.config.k8s.io/v1beta1",
      kind: "Kustomization",
      namespace,
      resources: [`${k8s}/base`],
      components: added.map((name) => `${k8s}/components/${name}`),
    }),
  );
  return folder;
}

/** What NVIDIA's DRA driver makes: a class, and what each node has. */
const driver = "gpu.nvidia.com";
const deviceClass = {
  apiVersion: "resource.k8s.io/v1",
  kind: "DeviceClass",
  metadata: { name: driver },
  spec: { selectors: [{ cel: { expression: `device.driver == '${driver}'` } }] },
};

function slice(generation: number, memory: string): unknown {
  return {
    apiVersion: "resource.k8s.io/v1",
    kind: "ResourceSlice",
    metadata: { name: "local-0-gpus" },
    spec: {
      nodeName: "local-0",
      driver,
      pool: { name: "local-0", generation, resourceSliceCount: 1 },
      devices: ["gpu-0", "gpu-1", "gpu-2", "gpu-3"].map((name) => ({
        name,
        capacity: { memory: { value: memory } },
      })),
    },
  };
}
