/**
 * The cluster's network: one namespace for the node with a bridge, one for each pod with an address on it.
 * Services are real: their ClusterIPs are local addresses of the node's namespace, where a TCP proxy spreads
 * connections over the ready endpoints, and a small DNS server answers for their names.
 */
import dgram from "node:dgram";
import http from "node:http";
import net from "node:net";
import { at } from "./api.mjs";
import { log, run, shell } from "./util.mjs";

export const podNetwork = "10.244.0";
export const nodeAddress = `${podNetwork}.1`;
/**
 * Of the node as the outside sees it, and of the only machine there: from a block that IANA has taken back (RFC 7526), since
 * the chain takes no private address and none of documentation.
 */
export const externalAddress = "192.88.99.10";
const outsideAddress = "192.88.99.1";
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
     ip -n "$1" route add local ${serviceNetwork} dev lo
     ip netns add "$1_outside"; ip -n "$1_outside" link set lo up
     ip -n "$1" link add out0 type veth peer name eth0 netns "$1_outside"
     ip -n "$1" addr add ${externalAddress}/24 dev out0; ip -n "$1" link set out0 up
     ip -n "$1_outside" addr add ${outsideAddress}/24 dev eth0; ip -n "$1_outside" link set eth0 up
     nsenter --net="/run/netns/$1" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'`,
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
  /** Which number a namespace has: a pod that ends must not take away that of its successor of the same name. */
  #numbers = new Map();
  #next = 2;

  constructor(node) {
    this.node = node;
  }

  async add(namespace, pod) {
    const name = `${this.node}_${namespace}_${pod}`;
    const number = this.#allocate();
    this.#numbers.set(name, number);
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
    return {
      file: `/run/netns/${name}`,
      address,
      cut: () => run("ip", ["-n", this.node, "link", "set", `pod${number}`, "down"]),
      remove: () => this.#remove(name, number),
    };
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
    if (this.#numbers.get(name) === number) {
      this.#numbers.delete(name);
      await run("ip", ["netns", "delete", name]).catch((error) => log(error.message));
    }
    this.#used.delete(number);
  }
}

/** Knows Services and their endpoints; answers for names and serves ClusterIPs. */
export class Services {
  #services = new Map();
  #slices = new Map();
  #proxies = new Map();
  #translations = "";
  /** May an address connect to an address and port? NetworkPolicies decide. */
  mayConnect = () => true;
  /** Called when ClusterIPs or what is behind them may have changed. */
  onChange = () => {};

  constructor(apiSocket) {
    this.apiSocket = apiSocket;
  }

  follow(api) {
    this.api = api;
    const keep = (map) => (type, object) => {
      const { uid } = object.metadata;
      type === "DELETED" ? map.delete(uid) : map.set(uid, object);
      this.#serve();
      this.#serveOutside();
      this.onChange();
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

  /** Where connections to that port of a Service may end. */
  #targets(service, port) {
    return this.#endpoints(service).flatMap(({ addresses, ports }) => {
      const target = ports.find(({ name }) => (name ?? "") === (port.name ?? ""))?.port;
      return target === undefined ? [] : [{ addresses, port: target }];
    });
  }

  // --- from outside: NodePorts at the node's external address, which is also every load balancer's

  /** As kube-proxy does it: addresses are translated; the client's own is kept with `externalTrafficPolicy: Local`. */
  #serveOutside() {
    const rules = ["*nat", ":PREROUTING ACCEPT", ":POSTROUTING ACCEPT"];
    for (const service of this.#services.values()) {
      const { type, ports, externalTrafficPolicy } = service.spec;
      if (type !== "NodePort" && type !== "LoadBalancer") {
        continue;
      }
      for (const port of ports.filter(({ protocol }) => protocol === "TCP")) {
        const [target] = this.#targets(service, port);
        if (target === undefined) {
          continue;
        }
        const to = `${target.addresses[0]}:${target.port}`;
        const doors = [port.nodePort, ...(type === "LoadBalancer" ? [port.port] : [])];
        for (const door of doors.filter(Boolean)) {
          rules.push(
            `-A PREROUTING -i out0 -d ${externalAddress} -p tcp --dport ${door} -j DNAT --to-destination ${to}`,
          );
        }
        if (externalTrafficPolicy !== "Local") {
          rules.push(
            `-A POSTROUTING -d ${target.addresses[0]} -p tcp --dport ${target.port} -m conntrack --ctstate DNAT -j MASQUERADE`,
          );
        }
      }
      if (type === "LoadBalancer" && !service.status.loadBalancer?.ingress) {
        const { namespace, name } = service.metadata;
        this.api
          .patch(`${at(namespace, "services", name)}/status`, {
            status: { loadBalancer: { ingress: [{ ip: externalAddress }] } },
          })
          .catch((error) => log(`load balancer of ${namespace}/${name}: ${error.message}`));
      }
    }
    rules.push(`-A POSTROUTING -s ${podNetwork}.0/24 -o out0 -j MASQUERADE`, "COMMIT", "");
    const text = rules.join("\n");
    if (text !== this.#translations) {
      this.#translations = text;
      shell('printf "%s" "$1" | iptables-restore --wait', text).catch((error) =>
        log(`node ports: ${error.message}`),
      );
    }
  }

  // --- ClusterIPs

  /** Each address and port of a Service, with where its connections may end. */
  clusterIps() {
    return [...this.#services.values()]
      .filter(({ spec }) => spec.clusterIP && spec.clusterIP !== "None")
      .flatMap((service) =>
        (service.spec.ports ?? []).map((port) => ({
          address: service.spec.clusterIP,
          port: port.port,
          targets: this.#targets(service, port),
        })),
      );
  }

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
        : this.#connect(proxy.target, client.remoteAddress);
      join(client, upstream);
    });
    proxy.on("error", (error) => log(`service ${key}: ${error.message}`));
    proxy.listen(Number(port), address);
    this.#proxies.set(key, proxy);
    return proxy;
  }

  #connect({ service, port }, fromAddress) {
    const targets = this.#targets(service, port).filter((target) =>
      this.mayConnect(fromAddress, target.addresses[0], target.port),
    );
    const target = targets[Math.floor(Math.random() * targets.length)];
    return target
      ? net.connect({ host: target.addresses[0], port: target.port, allowHalfOpen: true })
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
