/**
 * The cluster's network: one namespace for the node with a bridge, one for each pod with an address on it.
 * Services are real: their ClusterIPs are local addresses of the node's namespace, where a TCP proxy spreads
 * connections over the ready endpoints, and a small DNS server answers for their names.
 */
import dgram from "node:dgram";
import http from "node:http";
import net from "node:net";
import { log, run, shell } from "./util.mjs";

export const podNetwork = "10.244.0";
export const nodeAddress = `${podNetwork}.1`;
export const dnsAddress = "10.96.0.10";
const serviceNetwork = "10.96.0.0/16";
const zone = "cluster.local";
export const tunnelAnswer = "HTTP/1.1 200 OK\r\n\r\n";

/** Makes the node's namespace; what an earlier one left is removed first. */
export async function makeNodeNamespace(node) {
  await removeNamespaces(node);
  await shell(
    `ip netns add "$1"; ip -n "$1" link set lo up
     ip -n "$1" link add br0 type bridge; ip -n "$1" addr add ${nodeAddress}/24 dev br0; ip -n "$1" link set br0 up
     ip -n "$1" route add local ${serviceNetwork} dev lo`,
    node,
  );
}

export async function removeNamespaces(node) {
  const names = (await run("ip", ["netns", "list"])).split("\n").map((line) => line.split(" ")[0]);
  for (const name of names.filter((name) => name === node || name.startsWith(`${node}_`))) {
    await run("ip", ["netns", "delete", name]).catch((error) => log(error.message));
  }
}

/** Gives pods their namespaces and addresses. */
export class PodNetwork {
  #used = new Set();
  #next = 2;

  constructor(node) {
    this.node = node;
  }

  async add(namespace, pod) {
    const name = `${this.node}_${namespace}_${pod}`;
    const number = this.#allocate();
    const address = `${podNetwork}.${number}`;
    await shell(
      `if [ -e "/run/netns/$2" ]; then ip netns delete "$2"; fi
       ip netns add "$2"
       ip -n "$1" link add "$3" type veth peer name eth0 netns "$2"; ip -n "$1" link set "$3" master br0 up
       ip -n "$2" link set lo up; ip -n "$2" addr add "$4/24" dev eth0; ip -n "$2" link set eth0 up
       ip -n "$2" route add default via ${nodeAddress}`,
      this.node,
      name,
      `pod${number}`,
      address,
    ).catch((error) => {
      this.#used.delete(number);
      throw error;
    });
    return { file: `/run/netns/${name}`, address, remove: () => this.#remove(name, number) };
  }

  /** In turn, so that an address is not given to another pod at once. */
  #allocate() {
    for (let tries = 0; tries < 250; tries++) {
      const number = this.#next;
      this.#next = number === 254 ? 2 : number + 1;
      if (!this.#used.has(number)) {
        this.#used.add(number);
        return number;
      }
    }
    throw new Error("no address is free");
  }

  async #remove(name, number) {
    await run("ip", ["netns", "delete", name]).catch((error) => log(error.message));
    this.#used.delete(number);
  }
}

/** Knows Services and their endpoints; answers for names and serves ClusterIPs. */
export class Services {
  #services = new Map();
  #slices = new Map();
  #proxies = new Map();

  constructor(apiSocket) {
    this.apiSocket = apiSocket;
  }

  follow(api) {
    const keep = (map) => (type, object) => {
      const { uid } = object.metadata;
      type === "DELETED" ? map.delete(uid) : map.set(uid, object);
      this.#serve();
    };
    api.follow("/api/v1/services", {}, keep(this.#services));
    api.follow("/apis/discovery.k8s.io/v1/endpointslices", {}, keep(this.#slices));
  }

  find(name, namespace) {
    return [...this.#services.values()].find(
      ({ metadata }) => metadata.name === name && metadata.namespace === namespace,
    );
  }

  inNamespace(namespace) {
    return [...this.#services.values()].filter(({ metadata }) => metadata.namespace === namespace);
  }

  /** Endpoints that take connections, as kube-proxy chooses: the ready ones, else those that end but still serve. */
  #endpoints(service) {
    const all = [...this.#slices.values()]
      .filter(
        ({ metadata }) =>
          metadata.namespace === service.metadata.namespace &&
          metadata.labels?.["kubernetes.io/service-name"] === service.metadata.name,
      )
      .flatMap(({ endpoints, ports }) =>
        (endpoints ?? []).map((endpoint) => ({ ...endpoint, ports: ports ?? [] })),
      );
    const ready = all.filter(({ conditions }) => conditions?.ready !== false);
    return ready.length > 0
      ? ready
      : all.filter(({ conditions }) => conditions?.serving && conditions?.terminating);
  }

  // --- ClusterIPs

  #serve() {
    const wanted = new Map();
    for (const service of this.#services.values()) {
      const { clusterIP, ports = [] } = service.spec;
      if (clusterIP && clusterIP !== "None") {
        ports
          .filter(({ protocol }) => protocol === "TCP")
          .forEach((port) => {
            wanted.set(`${clusterIP}:${port.port}`, { service, port });
          });
      }
    }
    for (const [key, proxy] of this.#proxies) {
      if (!wanted.has(key) || !this.#hasTarget(wanted.get(key))) {
        proxy.close(); // no endpoint: connections are refused, as kube-proxy does
        this.#proxies.delete(key);
      }
    }
    for (const [key, target] of wanted) {
      if (!this.#hasTarget(target)) {
        continue;
      }
      const proxy = this.#proxies.get(key) ?? this.#listen(key);
      proxy.target = target;
    }
  }

  #isApiServer = ({ service }) =>
    service.metadata.name === "kubernetes" && service.metadata.namespace === "default";
  #hasTarget = (target) => this.#isApiServer(target) || this.#endpoints(target.service).length > 0;

  #listen(key) {
    const [address, port] = key.split(":");
    const proxy = net.createServer({ allowHalfOpen: true }, (client) => {
      const upstream = this.#isApiServer(proxy.target)
        ? net.connect(this.apiSocket)
        : this.#connect(proxy.target);
      join(client, upstream);
    });
    proxy.on("error", (error) => log(`service ${key}: ${error.message}`));
    proxy.listen(Number(port), address);
    this.#proxies.set(key, proxy);
    return proxy;
  }

  #connect({ service, port }) {
    const endpoints = this.#endpoints(service);
    const endpoint = endpoints[Math.floor(Math.random() * endpoints.length)];
    const target = endpoint?.ports.find(({ name }) => (name ?? "") === (port.name ?? ""))?.port;
    return target
      ? net.connect({ host: endpoint.addresses[0], port: target, allowHalfOpen: true })
      : undefined;
  }

  // --- names

  /** The addresses of a full name, or undefined when there is no such name. */
  resolve(fullName) {
    const labels = fullName
      .toLowerCase()
      .replace(/\.$/, "")
      .replace(new RegExp(`\\.${zone}$`), "")
      .split(".");
    if (labels.at(-1) === "svc") {
      labels.pop();
    }
    const [namespace, name, hostname, ...more] = labels.reverse();
    const service = more.length === 0 ? this.find(name, namespace) : undefined;
    if (!service) {
      return undefined;
    }
    const { clusterIP } = service.spec;
    if (clusterIP && clusterIP !== "None" && hostname === undefined) {
      return [clusterIP];
    }
    const endpoints = this.#endpoints(service).filter(
      (endpoint) => hostname === undefined || endpoint.hostname === hostname,
    );
    return endpoints.length > 0 ? endpoints.flatMap(({ addresses }) => addresses) : undefined;
  }

  /** Answers A questions below cluster.local; nothing else exists. */
  serveDns() {
    const socket = dgram.createSocket("udp4", (question, from) => {
      try {
        socket.send(this.#answer(question), from.port, from.address);
      } catch (error) {
        log(`dns: ${error.message}`);
      }
    });
    socket.bind(53, dnsAddress);
  }

  #answer(question) {
    const labels = [];
    let offset = 12;
    while (question[offset] !== 0) {
      labels.push(question.toString("latin1", offset + 1, offset + 1 + question[offset]));
      offset += 1 + question[offset];
    }
    const name = labels.join(".");
    const isAddress = question.readUInt16BE(offset + 1) === 1;
    const addresses = name.endsWith(`.svc.${zone}`) ? this.resolve(name) : undefined;
    const answers = (isAddress && addresses) || [];
    const header = Buffer.from(question.subarray(0, 12));
    header.writeUInt16BE(0x8480 | (question.readUInt16BE(2) & 0x0100) | (addresses ? 0 : 3), 2); // answer, authoritative; 3: no such name
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(answers.length, 6);
    header.writeUInt32BE(0, 8);
    // A pointer to the question's name, type A, class IN, 5 seconds (as CoreDNS), 4 bytes.
    const records = answers.map((address) =>
      Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, ...address.split(".").map(Number)]),
    );
    return Buffer.concat([header, question.subarray(12, offset + 5), ...records]);
  }

  /** An HTTP proxy on a UNIX socket, by which programs outside reach `http://service.namespace:port`. */
  serveHttpProxy(socketPath) {
    const proxy = http.createServer((request, response) => {
      const { hostname, port, pathname, search } = new URL(request.url, "http://none");
      const upstream = http.request(
        {
          host: this.#address(hostname),
          port: port || 80,
          method: request.method,
          path: pathname + search,
          headers: request.headers,
        },
        (answer) => {
          response.writeHead(answer.statusCode, answer.rawHeaders);
          answer.pipe(response);
        },
      );
      upstream.on("error", (error) => response.writeHead(502).end(`${error.message}\n`));
      request.pipe(upstream);
    });
    proxy.on("connect", (request, client, head) => {
      const [hostname, port] = request.url.split(":");
      const upstream = this.dial(hostname, port);
      client.write(tunnelAnswer);
      upstream.write(head);
      join(client, upstream);
    });
    proxy.listen(socketPath);
  }

  #address = (name) => (net.isIP(name) ? name : (this.resolve(name)?.[0] ?? "0.0.0.0"));
  dial = (name, port) =>
    net.connect({ host: this.#address(name), port: Number(port), allowHalfOpen: true });
}

/** Passes bytes both ways until both sides have ended. */
export function join(a, b) {
  if (!b) {
    a.destroy();
    return;
  }
  a.pipe(b).pipe(a);
  a.on("error", () => b.destroy());
  b.on("error", () => (a.remoteAddress ? a.resetAndDestroy() : a.destroy())); // a UNIX socket cannot be reset
  a.on("close", () => b.destroy());
  b.on("close", () => a.destroy());
}
