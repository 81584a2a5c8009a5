#!/usr/bin/env node
/**
 * A node whose pods are real processes of this machine: see README.md.
 *
 * Two processes. The outer one stays in the machine's network namespace and only passes bytes on: from loopback ports
 * into the cluster, and from the cluster to the API server. The inner one, in the node's own network namespace, is the
 * kubelet: it starts and probes pods, serves names, ClusterIPs, logs and exec. UNIX sockets connect the two.
 *
 * SIGUSR1 adds a node, which shares all of it; SIGUSR2 loses the last one that was added, as if its machine were switched off.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import net from "node:net";
import os from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { Api, readKubeconfig } from "./agent/api.mjs";
import { hasCgroups } from "./agent/container.mjs";
import { serveKubelet } from "./agent/kubelet-server.mjs";
import {
  join as joinSockets,
  makeNodeNamespace,
  nodeAddress,
  PodNetwork,
  removeNamespaces,
  Services,
  tunnelAnswer,
} from "./agent/network.mjs";
import { PodWorker } from "./agent/pod.mjs";
import { Policies } from "./agent/policies.mjs";
import { claimFolder, startStorage } from "./agent/storage.mjs";
import { apiTime, log, shell } from "./agent/util.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    node: { type: "string", default: "local-0" },
    images: { type: "string" }, // which command an image stands for, see README.md
    cpu: { type: "string", default: "32" }, // what the scheduler may give away, whatever the machine has
    memory: { type: "string", default: "64Gi" },
    pods: { type: "string", default: "110" },
    gpus: { type: "string", default: "0" },
    "back-off": { type: "string", default: "10" }, // seconds before the second restart; doubles up to 300
    port: { type: "string", default: String(Number(process.env.BASE_PORT ?? 26000) + 12) }, // kubelet; the next one is an HTTP proxy
    expose: { type: "string", multiple: true, default: [] }, // PORT=SERVICE.NAMESPACE:PORT
    inner: { type: "boolean", default: false },
  },
});
if (positionals.length !== 1) {
  console.error(
    "usage: node-agent.mjs WORK [--images FILE] [--node NAME] [--cpu N] [--memory N] [--pods N] [--gpus N] [--back-off S] [--port N] [--expose PORT=SERVICE.NAMESPACE:PORT]...",
  );
  process.exit(2);
}
const work = resolve(positionals[0]);
const settings = {
  ...values,
  work,
  images: resolve(values.images ?? join(work, "images.json")),
  backOff: Number(values["back-off"]),
};
const folder = join(work, "agent");
const sockets = {
  api: join(folder, "api.sock"),
  kubelet: join(folder, "kubelet.sock"),
  proxy: join(folder, "proxy.sock"),
};
const startedAt = apiTime();
const credentials = await readKubeconfig(join(work, "bin/kube"), join(work, "kubeconfig"));
await (values.inner ? runNode() : runRelay());

// --- outside

async function runRelay() {
  mkdirSync(folder, { recursive: true });
  const door = relay(Number(settings.port), () => net.connect(sockets.kubelet));
  const isFirst = await Promise.race([
    once(door, "listening").then(() => true),
    once(door, "close").then(() => false),
  ]);
  if (!isFirst || (await isServed(sockets.kubelet))) {
    console.error(`another node-agent.mjs works here, or is still stopping its containers`);
    process.exit(1);
  }
  for (const path of Object.values(sockets)) {
    rmSync(path, { force: true });
  }
  await makeKubeletCertificate();
  await makeNodeNamespace(settings.node);
  const { hostname, port } = new URL(credentials.server);
  relay(sockets.api, () => net.connect(Number(port), hostname));
  relay(Number(settings.port) + 1, () => net.connect(sockets.proxy));
  for (const rule of settings.expose) {
    const [from, to] = rule.split("=");
    relay(Number(from), () => tunnel(to));
  }
  const inner = spawn(
    "/usr/bin/setpriv",
    [
      "--pdeathsig",
      "TERM",
      "/usr/bin/nsenter",
      `--net=/run/netns/${settings.node}`,
      process.execPath,
      ...process.argv.slice(1),
      "--inner",
    ],
    { stdio: "inherit" },
  );
  for (const signal of ["SIGTERM", "SIGUSR1", "SIGUSR2"]) {
    process.on(signal, () => inner.kill(signal));
  }
  process.on("SIGINT", () => {}); // the terminal sends it to the inner process, too
  inner.on("exit", async (code) => {
    await removeNamespaces(settings.node);
    process.exit(code ?? 1);
  });
}

function isServed(path) {
  return new Promise((done) => {
    const socket = net.connect(path);
    socket.on("connect", () => done(true)).on("error", () => done(false));
    socket.on("connect", () => socket.destroy());
  });
}

function relay(from, open) {
  const server = net.createServer(async (client) => {
    client.on("error", () => {});
    joinSockets(client, await open());
  });
  server.on("error", (error) => {
    log(`${from}: ${error.message}`);
    server.emit("close");
  });
  server.listen(...(typeof from === "number" ? [from, "127.0.0.1"] : [from]));
  return server;
}

/** A connection into the cluster, through the HTTP proxy there. */
async function tunnel(to) {
  const socket = net.connect(sockets.proxy);
  socket.on("error", () => {});
  socket.write(`CONNECT ${to} HTTP/1.1\r\nhost: ${to}\r\n\r\n`);
  await Promise.race([once(socket, "readable"), once(socket, "close")]);
  socket.read(tunnelAnswer.length);
  return socket;
}

async function makeKubeletCertificate() {
  if (!existsSync(join(folder, "kubelet.crt"))) {
    await shell(
      'openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 365 -subj /CN=kubelet -keyout "$1/kubelet.key" -out "$1/kubelet.crt"',
      folder,
    );
  }
}

// --- inside

async function runNode() {
  const api = new Api({ ...credentials, socketPath: sockets.api });
  const services = new Services(sockets.api);
  const policies = new Policies(services);
  services.mayConnect = (...ends) => policies.mayEnter(...ends);
  services.onChange = () => policies.changed();
  const freeGpus = Array.from({ length: Number(settings.gpus) }, (_, index) => index);
  const agent = {
    api,
    services,
    policies,
    settings,
    network: new PodNetwork(settings.node),
    allocatable: {
      cpu: settings.cpu,
      memory: settings.memory,
      pods: settings.pods,
      "ephemeral-storage": "100Gi",
      ...(freeGpus.length > 0 && { "nvidia.com/gpu": settings.gpus }),
    },
    claimFolder: (namespace, name) => claimFolder(api, namespace, name),
    findImage,
    takeGpus: (count) => freeGpus.splice(0, count),
    returnGpus: (indexes) => freeGpus.push(...indexes.sort()),
  };
  mkdirSync(join(work, "pods"), { recursive: true });
  rmSync(join(folder, "pods"), { recursive: true, force: true });
  services.follow(api);
  policies.follow(api);
  services.serveDns();
  services.serveHttpProxy(sockets.proxy);
  await startStorage(api, join(work, "volumes"));
  const nodes = [];
  const addNode = async (name) => {
    const node = { ...agent, name, isStopping: false };
    await registerNode(node);
    nodes.push({ node, workers: followPods(node) });
  };
  await addNode(settings.node);
  const allWorkers = () => nodes.flatMap(({ workers }) => [...workers.values()]);
  const findPod = (namespace, name) =>
    allWorkers().find(({ worker }) => worker.namespace === namespace && worker.name === name)
      ?.worker;
  serveKubelet({
    socketPath: sockets.kubelet,
    ca: credentials.ca,
    cert: readFileSync(join(folder, "kubelet.crt")),
    key: readFileSync(join(folder, "kubelet.key")),
    findPod,
  });
  const timers = [
    setInterval(() => {
      for (const { node } of nodes) {
        void heartbeat(node);
      }
    }, 10_000),
    setInterval(() => refresh(allWorkers()), 30_000),
  ];
  const attempt = (what) => what.catch((error) => log(error.stack));
  process.on("SIGUSR1", () =>
    attempt(addNode(`${settings.node.replace(/\d+$/, "")}${nodes.length}`)),
  );
  process.on("SIGUSR2", () => {
    const { node, workers } = nodes.pop();
    node.isStopping = true;
    log(`node ${node.name}: lost`);
    for (const { worker } of workers.values()) {
      attempt(worker.vanish());
    }
  });
  let isStopping = false;
  const stop = async () => {
    if (isStopping) {
      return;
    }
    log("stopping all containers");
    isStopping = true;
    nodes.forEach(({ node }) => {
      node.isStopping = true;
    });
    timers.forEach(clearInterval);
    await Promise.all(
      allWorkers().map(({ worker, done }) => worker.stop(worker.graceMs).then(() => done)),
    );
    await shell(
      'find "$1" -depth -mindepth 1 -type d -exec rmdir {} + 2>/dev/null; rmdir "$1"',
      `/sys/fs/cgroup/memory/${settings.node}`,
    ).catch(() => {});
    process.exit(0);
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  log(
    `node ${settings.node}: memory limits ${hasCgroups ? "hold" : "are not enforced: no cgroups"}`,
  );
}

/** The file is read each time: images can be added while the agent runs. A name with its tag goes before one without. */
function findImage(name) {
  const images = existsSync(settings.images)
    ? JSON.parse(readFileSync(settings.images, "utf8"))
    : {};
  const plain = name.replace(/@sha256:.*/, "");
  return images[plain] ?? images[plain.replace(/:[^:/]*$/, "")];
}

function followPods(agent) {
  const workers = new Map();
  agent.api.follow(
    "/api/v1/pods",
    { fieldSelector: `spec.nodeName=${agent.name}` },
    (type, pod) => {
      const { uid } = pod.metadata;
      if (type === "DELETED") {
        workers.get(uid)?.worker.forget();
      } else if (workers.has(uid)) {
        workers.get(uid).worker.update(pod);
      } else if (!agent.isStopping) {
        const worker = new PodWorker(agent, pod);
        log(`${worker.fullName}: new`);
        const done = worker
          .run()
          .catch((error) => log(`${worker.fullName}: ${error.stack}`))
          .then(() => workers.delete(uid));
        workers.set(uid, { worker, done });
        worker.update(pod);
      }
    },
  );
  return workers;
}

async function refresh(workers) {
  for (const { worker } of workers) {
    await worker.refreshVolumes().catch((error) => log(`${worker.fullName}: ${error.message}`));
  }
}

async function registerNode({ api, name, allocatable }) {
  const labels = {
    "kubernetes.io/hostname": name,
    "kubernetes.io/os": "linux",
    "kubernetes.io/arch": os.arch() === "x64" ? "amd64" : os.arch(),
    ...(Number(settings.gpus) > 0 && { "nvidia.com/gpu.present": "true" }),
  };
  await api.post("/api/v1/nodes", { metadata: { name, labels } }).catch((error) => {
    if (error.status !== 409) {
      throw error;
    }
    return api.patch(`/api/v1/nodes/${name}`, { metadata: { labels } });
  });
  const version = `v${(await api.get("/version")).gitVersion.replace(/^v/, "")}`;
  await api.patch(`/api/v1/nodes/${name}/status`, {
    status: {
      capacity: allocatable,
      allocatable,
      // The API server takes the host name for logs and exec.
      addresses: [
        { type: "InternalIP", address: nodeAddress },
        { type: "Hostname", address: "localhost" },
      ],
      daemonEndpoints: { kubeletEndpoint: { Port: Number(settings.port) } },
      declaredFeatures: ["ExtendWebSocketsToKubelet"], // exec comes as a WebSocket, not as SPDY
      nodeInfo: {
        machineID: name,
        systemUUID: name,
        bootID: String(Date.now()),
        kernelVersion: os.release(),
        osImage: "host processes",
        containerRuntimeVersion: "process://1",
        kubeletVersion: version,
        kubeProxyVersion: version,
        operatingSystem: "linux",
        architecture: labels["kubernetes.io/arch"],
      },
    },
  });
  await heartbeat({ api, name });
}

async function heartbeat({ api, name }) {
  try {
    const now = apiTime();
    const condition = (type, status, reason) => ({
      type,
      status,
      reason,
      message: reason,
      lastHeartbeatTime: now,
      lastTransitionTime: startedAt,
    });
    await api.patch(`/api/v1/nodes/${name}/status`, {
      status: {
        conditions: [
          condition("MemoryPressure", "False", "KubeletHasSufficientMemory"),
          condition("DiskPressure", "False", "KubeletHasNoDiskPressure"),
          condition("PIDPressure", "False", "KubeletHasSufficientPID"),
          condition("Ready", "True", "KubeletReady"),
        ],
      },
    });
    const leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
    const lease = {
      spec: {
        holderIdentity: name,
        leaseDurationSeconds: 40,
        renewTime: `${new Date().toISOString().slice(0, -1)}000Z`,
      },
    };
    await api.patch(`${leases}/${name}`, lease).catch((error) => {
      if (error.status !== 404) {
        throw error;
      }
      return api.post(leases, {
        metadata: { name, namespace: "kube-node-lease" },
        ...lease,
      });
    });
  } catch (error) {
    log(`heartbeat: ${error.message}`);
  }
}
