/** The manifests as kubectl renders them, read into types. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { parseAllDocuments } from "yaml";
import { z } from "zod";

const k8s = new URL("../../k8s", import.meta.url).pathname;

const version = spawnSync("kubectl", ["version", "--client", "-o", "json"], { encoding: "utf8" });
const minor = Number(/"minor": "(\d+)/.exec(version.stdout ?? "")?.[1] ?? 0);
/** Why tests that render are skipped; false when they are not. */
export const skip = minor >= 27 ? false : "kubectl 1.27 or newer is not on PATH";

const labels = z.record(z.string(), z.string());
const probe = z.object({
  httpGet: z.object({ path: z.string(), port: z.string() }),
  // One second, the default, is short on a busy machine.
  timeoutSeconds: z.number().min(5),
});
const container = z.object({
  name: z.string(),
  image: z.string(),
  imagePullPolicy: z.string().optional(),
  env: z.array(z.object({ name: z.string(), value: z.string().optional() })).default([]),
  envFrom: z.array(z.object({ configMapRef: z.object({ name: z.string() }) })).default([]),
  ports: z.array(z.object({ name: z.string(), containerPort: z.number() })).default([]),
  startupProbe: probe,
  readinessProbe: probe,
  livenessProbe: probe,
  resources: z.object({
    requests: z.record(z.string(), z.string()),
    limits: z.record(z.string(), z.string()),
  }),
  securityContext: z.strictObject({
    allowPrivilegeEscalation: z.literal(false),
    readOnlyRootFilesystem: z.literal(true),
    capabilities: z.strictObject({ drop: z.tuple([z.literal("ALL")]) }),
  }),
  volumeMounts: z.array(z.object({ name: z.string(), mountPath: z.string() })).default([]),
});
/** What Pod Security `restricted` lets a pod have, of what ours use. */
const podSpec = z.object({
  enableServiceLinks: z.literal(false),
  automountServiceAccountToken: z.literal(false),
  hostNetwork: z.undefined().optional(),
  hostPID: z.undefined().optional(),
  hostIPC: z.undefined().optional(),
  terminationGracePeriodSeconds: z.number().default(30),
  priorityClassName: z.string().optional(),
  securityContext: z.object({
    runAsNonRoot: z.literal(true),
    runAsUser: z.number().positive(),
    seccompProfile: z.object({ type: z.literal("RuntimeDefault") }),
  }),
  initContainers: z.undefined().optional(),
  containers: z.array(container).length(1),
  volumes: z
    .array(
      z.strictObject({
        name: z.string(),
        configMap: z.object({ name: z.string() }).optional(),
        secret: z.object({ secretName: z.string(), defaultMode: z.literal(0o440) }).optional(),
        emptyDir: z.object({ sizeLimit: z.string().optional() }).optional(),
      }),
    )
    .default([]),
});
const workload = z.object({
  kind: z.enum(["Deployment", "StatefulSet"]),
  metadata: z.object({ name: z.string(), namespace: z.string().optional() }),
  spec: z.object({
    replicas: z.number().optional(),
    strategy: z.unknown().optional(),
    updateStrategy: z.unknown().optional(),
    selector: z.object({ matchLabels: labels }),
    volumeClaimTemplates: z
      .array(
        z.object({
          metadata: z.object({ name: z.string() }),
          spec: z.object({
            resources: z.object({ requests: z.object({ storage: z.string().regex(/^\d+Gi$/) }) }),
          }),
        }),
      )
      .default([]),
    template: z.object({ metadata: z.object({ labels }), spec: podSpec }),
  }),
});
export type Workload = z.infer<typeof workload>;

const service = z.object({
  kind: z.literal("Service"),
  metadata: z.object({ name: z.string() }),
  spec: z.object({
    selector: labels,
    ports: z.array(z.object({ name: z.string(), port: z.number(), targetPort: z.string() })),
  }),
});
const configMap = z.object({
  kind: z.literal("ConfigMap"),
  metadata: z.object({ name: z.string() }),
  data: z.record(z.string(), z.string()),
});
const selector = z.strictObject({
  matchLabels: labels.optional(),
  matchExpressions: z
    .array(
      z.strictObject({
        key: z.string(),
        operator: z.literal("In"),
        values: z.array(z.string()),
      }),
    )
    .optional(),
});
export type Selector = z.infer<typeof selector>;
const peer = z.strictObject({
  podSelector: selector.optional(),
  namespaceSelector: selector.optional(),
  ipBlock: z.object({ cidr: z.string() }).optional(),
});
const ports = z
  .array(
    z.strictObject({
      protocol: z.enum(["TCP", "UDP"]),
      port: z.union([z.string(), z.number()]),
    }),
  )
  .min(1);
const networkPolicy = z.object({
  kind: z.literal("NetworkPolicy"),
  metadata: z.object({ name: z.string() }),
  spec: z.strictObject({
    podSelector: selector,
    policyTypes: z.array(z.enum(["Ingress", "Egress"])),
    ingress: z.array(z.strictObject({ from: z.array(peer).optional(), ports })).default([]),
    egress: z.array(z.strictObject({ to: z.array(peer).optional(), ports })).default([]),
  }),
});
export type NetworkPolicy = z.infer<typeof networkPolicy>;

export interface Rendered {
  /** Everything, as it stands there. */
  readonly objects: readonly unknown[];
  readonly workloads: readonly Workload[];
  readonly services: readonly z.infer<typeof service>[];
  readonly policies: readonly NetworkPolicy[];
  /** The variables of a workload's container: those of its ConfigMaps, then its own. */
  environmentOf(workload: Workload): Readonly<Record<string, string>>;
}

/** Folders of k8s/components. */
export const components: readonly string[] = globSync("components/*/kustomization.yaml", {
  cwd: k8s,
})
  .map((file) => file.split("/")[1] ?? "")
  .toSorted();

/**
 * @param folder below k8s
 * @param added components that are put on top
 */
export function render(folder: string, ...added: readonly string[]): Rendered {
  const directory = mkdtempSync(join(tmpdir(), "turntable-kustomize-"));
  try {
    const at = (path: string): string => relative(directory, join(k8s, path));
    writeFileSync(
      join(directory, "kustomization.yaml"),
      JSON.stringify({
        apiVersion: "kustomize.config.k8s.io/v1beta1",
        kind: "Kustomization",
        resources: [at(folder)],
        components: added.map((name) => at(`components/${name}`)),
      }),
    );
    const result = spawnSync("kubectl", ["kustomize", directory], {
      encoding: "utf8",
      maxBuffer: 16 << 20,
    });
    assert.equal(result.status, 0, result.stderr);
    return read(parseAllDocuments(result.stdout).map((document): unknown => document.toJS()));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function read(objects: readonly unknown[]): Rendered {
  const kind = z.object({ kind: z.string() });
  const all = <Type>(schema: z.ZodType<Type>, ...kinds: readonly string[]): readonly Type[] =>
    objects
      .filter((object) => kinds.includes(kind.parse(object).kind))
      .map((object) => schema.parse(object));
  const maps = new Map(
    all(configMap, "ConfigMap").map(({ metadata, data }) => [metadata.name, data]),
  );
  return {
    objects,
    workloads: all(workload, "Deployment", "StatefulSet"),
    services: all(service, "Service"),
    policies: all(networkPolicy, "NetworkPolicy"),
    environmentOf({ metadata, spec }) {
      const [first] = spec.template.spec.containers;
      const shared = (first?.envFrom ?? []).flatMap(({ configMapRef }) => {
        const data = maps.get(configMapRef.name);
        assert.ok(data !== undefined, `${metadata.name}: no ConfigMap ${configMapRef.name}`);
        return Object.entries(data);
      });
      // What comes from the pod itself, such as its name.
      const own = (first?.env ?? []).map(({ name, value }) => [name, value ?? "x"] as const);
      return Object.fromEntries([...shared, ...own]);
    },
  };
}
