/**
 * NetworkPolicies, enforced: each pod's network namespace has packet filters of its own, which the pod, without
 * CAP_NET_ADMIN, cannot change. What is not allowed is dropped without a word, as CNI plugins do.
 *
 * Connections through a ClusterIP come from the node's address here, since a proxy makes them; so the pod that asks is
 * judged twice elsewhere: by its own filter, which lets it to a ClusterIP only if all pods behind may be reached, and by the
 * proxy, which asks `mayEnter`. The node itself reaches everything, as a kubelet does.
 */
import { dnsAddress, nodeAddress } from "./network.mjs";
import { log, shell } from "./util.mjs";

/** Who the node's DNS server stands for in policies. */
const dnsPod = {
  metadata: { namespace: "kube-system", labels: { "k8s-app": "kube-dns" } },
  spec: { containers: [] },
  status: { podIP: dnsAddress },
};
const settleMs = 50;

export class Policies {
  #pods = new Map();
  #namespaces = new Map();
  #policies = new Map();
  #networks = new Map();
  #applied = new Map();
  #timer;

  constructor(services) {
    this.services = services;
  }

  follow(api) {
    const keep = (map) => (type, object) => {
      const { uid } = object.metadata;
      type === "DELETED" ? map.delete(uid) : map.set(uid, object);
      this.changed();
    };
    api.follow("/api/v1/pods", {}, keep(this.#pods));
    api.follow("/api/v1/namespaces", {}, keep(this.#namespaces));
    api.follow("/apis/networking.k8s.io/v1/networkpolicies", {}, keep(this.#policies));
  }

  /** A pod's network is there: its filters are made before anything runs in it. */
  async protect(pod, network) {
    this.#networks.set(pod.metadata.uid, { pod, network });
    await this.#apply(pod.metadata.uid);
  }

  forget(uid) {
    this.#networks.delete(uid);
    this.#applied.delete(uid);
  }

  /** Once for many changes that come together. */
  changed() {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      for (const uid of this.#networks.keys()) {
        this.#apply(uid).catch((error) => log(`network policies: ${error.message}`));
      }
    }, settleMs);
  }

  /** May who has that address connect to that port of a pod through a ClusterIP? Who is no pod is the node itself. */
  mayEnter(fromAddress, toAddress, port) {
    if (this.#podAt(fromAddress) === undefined) {
      return true;
    }
    const to = this.#podAt(toAddress);
    const rules = to && this.#rules(to, "ingress");
    return (
      rules === undefined ||
      rules.some(
        (rule) =>
          (rule.port === undefined || rule.port === port) && covers(rule.address, fromAddress),
      )
    );
  }

  #podAt = (address) => this.#running().find(({ status }) => status.podIP === address);

  #running() {
    const ended = ["Succeeded", "Failed"];
    return [...this.#pods.values()].filter(
      ({ status, spec }) => status.podIP && !spec.hostNetwork && !ended.includes(status.phase),
    );
  }

  /** Allowed ends of connections, {address, protocol, port, except}; undefined where no policy closes that direction. */
  #rules(pod, direction) {
    const { namespace } = pod.metadata;
    const policies = [...this.#policies.values()].filter(
      ({ metadata, spec }) =>
        metadata.namespace === namespace &&
        (spec.policyTypes ?? ["Ingress"]).some((type) => type.toLowerCase() === direction) &&
        selects(spec.podSelector, pod.metadata.labels),
    );
    if (policies.length === 0) {
      return undefined;
    }
    return policies.flatMap(({ spec }) =>
      (spec[direction] ?? []).flatMap((rule) => {
        const peers = direction === "ingress" ? rule.from : rule.to;
        return this.#ends(peers, namespace).flatMap((end) =>
          (rule.ports ?? [{}]).flatMap(({ protocol = "TCP", port }) => {
            // A name is a port of the pod that is connected to.
            const number =
              typeof port === "string"
                ? portNamed(direction === "ingress" ? pod : end.pod, port)
                : port;
            const isNamedNowhere = port !== undefined && number === undefined;
            return isNamedNowhere
              ? []
              : [{ ...end, protocol: rule.ports ? protocol : undefined, port: number }];
          }),
        );
      }),
    );
  }

  #ends(peers, ownNamespace) {
    if (!peers || peers.length === 0) {
      return [{ address: "0.0.0.0/0" }];
    }
    return peers.flatMap(({ ipBlock, podSelector, namespaceSelector }) => {
      if (ipBlock) {
        return ipBlock.cidr.includes(":")
          ? []
          : [{ address: ipBlock.cidr, except: ipBlock.except ?? [] }];
      }
      return [dnsPod, ...this.#running()]
        .filter(({ metadata }) =>
          namespaceSelector
            ? selects(namespaceSelector, this.#labelsOf(metadata.namespace))
            : metadata.namespace === ownNamespace,
        )
        .filter(({ metadata }) => selects(podSelector ?? {}, metadata.labels))
        .map((pod) => ({ address: pod.status.podIP, pod }));
    });
  }

  #labelsOf(namespace) {
    const found = [...this.#namespaces.values()].find(
      ({ metadata }) => metadata.name === namespace,
    );
    return found?.metadata.labels ?? { "kubernetes.io/metadata.name": namespace };
  }

  async #apply(uid) {
    const { pod: known, network } = this.#networks.get(uid);
    const pod = this.#pods.get(uid) ?? known;
    const text = [
      "*filter",
      ...this.#chain("INPUT", this.#rules(pod, "ingress"), "-s"),
      ...this.#chain("OUTPUT", this.#withClusterIps(this.#rules(pod, "egress")), "-d"),
      "COMMIT",
      "",
    ].join("\n");
    if (text !== this.#applied.get(uid)) {
      this.#applied.set(uid, text);
      await shell(
        'printf "%s" "$2" | nsenter --net="$1" iptables-restore --wait',
        network.file,
        text,
      );
    }
  }

  #chain(chain, rules, end) {
    if (rules === undefined) {
      return [`:${chain} ACCEPT`];
    }
    const [interfaceFlag, own] =
      chain === "INPUT" ? ["-i", [`-A INPUT -s ${nodeAddress} -j ACCEPT`]] : ["-o", []];
    return [
      `:${chain} DROP`,
      `-A ${chain} ${interfaceFlag} lo -j ACCEPT`,
      `-A ${chain} -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT`,
      ...own,
      ...rules.flatMap(({ address, except = [], protocol, port }, index) => {
        const to = port === undefined ? "" : ` --dport ${port}`;
        const what = protocol === undefined ? "" : ` -p ${protocol.toLowerCase()}${to}`;
        const block = `${chain}-${index}`;
        return [
          `:${block} -`,
          // What one rule leaves out, another may let in.
          ...except.map((cidr) => `-A ${block} ${end} ${cidr} -j RETURN`),
          `-A ${block} -j ACCEPT`,
          `-A ${chain} ${end} ${address}${what} -j ${block}`,
        ];
      }),
    ];
  }

  /** Rules go by pods; a pod that connects to a Service names its ClusterIP. */
  #withClusterIps(rules) {
    const reaches = ({ addresses: [address], port }) =>
      rules.some(
        (rule) => (rule.port === undefined || rule.port === port) && covers(rule.address, address),
      );
    return (
      rules && [
        ...rules,
        ...this.services
          .clusterIps()
          .filter(({ targets }) => targets.length > 0 && targets.every(reaches))
          .map(({ address, port }) => ({ address, protocol: "TCP", port })),
      ]
    );
  }
}

function selects({ matchLabels = {}, matchExpressions = [] }, labels = {}) {
  const fits = ({ key, operator, values = [] }) => {
    const has = Object.hasOwn(labels, key);
    return {
      In: has && values.includes(labels[key]),
      NotIn: !has || !values.includes(labels[key]),
      Exists: has,
      DoesNotExist: !has,
    }[operator];
  };
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(fits)
  );
}

function portNamed(pod, wanted) {
  const ports = pod?.spec.containers.flatMap(({ ports = [] }) => ports) ?? [];
  return ports.find(({ name }) => name === wanted)?.containerPort;
}

/** Is the IPv4 address within the address or block? */
function covers(block, address) {
  const [base, bits = "32"] = block.split("/");
  const number = (text) => text.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(bits));
  return Math.floor(number(base) / size) === Math.floor(number(address) / size);
}
