/** One pod: its network, volumes and containers in the right order, its end, and its status in the API. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { at } from "./api.mjs";
import { dnsAddress, nodeAddress } from "./network.mjs";
import { Supervisor } from "./supervisor.mjs";
import { apiTime, log, sleep } from "./util.mjs";
import { isFromApi, makeVolumes, writeFromApi } from "./volumes.mjs";

const gpu = "nvidia.com/gpu";

export class PodWorker {
  volumes = new Map();
  #stopping = new AbortController();
  #isGone = false;
  #failure;
  #isInitialized = false;
  #isReporting = false;
  #mustReport = false;
  #startTime = apiTime();
  #gpus = new Map();

  constructor(agent, pod) {
    this.agent = agent;
    this.pod = pod;
    this.directory = join(agent.settings.work, "agent", "pods", this.uid);
    this.hostname = pod.spec.hostname ?? pod.metadata.name.slice(0, 63);
    this.hostsFile = join(this.directory, "hosts");
    this.resolvFile = join(this.directory, "resolv.conf");
    const earlier = (name) =>
      [...(pod.status.containerStatuses ?? []), ...(pod.status.initContainerStatuses ?? [])].find(
        (status) => status.name === name,
      );
    this.inits = (pod.spec.initContainers ?? []).map(
      (spec) =>
        new Supervisor(
          this,
          spec,
          spec.restartPolicy === "Always" ? "sidecar" : "init",
          earlier(spec.name),
        ),
    );
    this.mains = pod.spec.containers.map(
      (spec) => new Supervisor(this, spec, "main", earlier(spec.name)),
    );
    this.context = {
      api: agent.api,
      pod,
      services: agent.services,
      allocatable: agent.allocatable,
      nodeAddress,
      directory: join(this.directory, "volumes"),
      claimFolder: agent.claimFolder,
      written: new Map(),
    };
  }

  get spec() {
    return this.pod.spec;
  }
  get name() {
    return this.pod.metadata.name;
  }
  get namespace() {
    return this.pod.metadata.namespace;
  }
  get uid() {
    return this.pod.metadata.uid;
  }
  get fullName() {
    return `${this.namespace}/${this.name}`;
  }
  get graceMs() {
    return (this.spec.terminationGracePeriodSeconds ?? 30) * 1000;
  }
  get sidecars() {
    return this.inits.filter(({ kind }) => kind === "sidecar");
  }
  container(name) {
    return [...this.mains, ...this.inits].find(({ spec }) => spec.name === name);
  }

  /** From the first to the last moment of the pod on this node. */
  async run() {
    if (!["Succeeded", "Failed"].includes(this.pod.status.phase)) {
      await this.#prepare();
      await this.#runContainers();
      this.agent.policies.forget(this.uid);
      await this.network?.remove();
      void this.report();
    }
    while (!this.#isGone && !this.pod.metadata.deletionTimestamp && !this.agent.isStopping) {
      this.#change = new AbortController();
      await sleep(2 ** 30, this.#change.signal);
    }
    await this.#finish();
  }
  #change = new AbortController();

  /** The object in the API has changed. */
  update(pod) {
    this.pod = pod;
    this.context.pod = pod;
    if (pod.metadata.deletionTimestamp) {
      void this.stop(pod.metadata.deletionGracePeriodSeconds * 1000);
    }
    this.#change.abort();
  }

  /** The object is not in the API any more: nothing is worth waiting for. */
  forget() {
    this.#isGone = true;
    void this.stop(0);
    this.#change.abort();
  }

  /** Main containers first, then sidecars, the last one first. */
  async stop(graceMs) {
    const deadline = Date.now() + graceMs;
    this.#stopping.abort();
    await Promise.all(
      [...this.mains, ...this.inits.filter(({ kind }) => kind === "init")].map((container) =>
        container.stop(graceMs),
      ),
    );
    for (const sidecar of this.sidecars.reverse()) {
      await sidecar.stop(Math.max(0, deadline - Date.now()));
    }
    this.#change.abort();
  }

  /** Nothing of it is heard from this moment on, and then it ends. */
  async vanish() {
    await this.network?.cut();
    await this.stop(0);
  }

  // --- what containers need

  async #prepare() {
    mkdirSync(this.context.directory, { recursive: true });
    for (;;) {
      try {
        this.network ??= this.spec.hostNetwork
          ? {
              file: `/run/netns/${this.agent.settings.node}`,
              address: nodeAddress,
              remove() {},
              cut() {},
            }
          : await this.agent.network.add(this.namespace, this.name);
        this.context.podAddress = this.network.address;
        if (!this.spec.hostNetwork) {
          await this.agent.policies.protect(this.pod, this.network);
        }
        this.#writeNames();
        this.volumes = await makeVolumes(this.context);
        return;
      } catch (error) {
        log(`${this.fullName}: ${error.message}`);
        this.event(
          "Warning",
          this.network ? "FailedMount" : "FailedCreatePodSandBox",
          error.message,
        );
        void this.report();
        await sleep(1000, this.#stopping.signal);
        if (this.#stopping.signal.aborted) {
          return;
        }
      }
    }
  }

  #writeNames() {
    const { hostAliases = [], subdomain, dnsConfig } = this.spec;
    const full = subdomain
      ? `${this.hostname}.${subdomain}.${this.namespace}.svc.cluster.local\t`
      : "";
    const aliases = hostAliases.map(({ ip, hostnames }) => `${ip}\t${hostnames.join("\t")}`);
    writeFileSync(
      this.hostsFile,
      [
        "127.0.0.1\tlocalhost",
        "::1\tlocalhost ip6-localhost",
        `${this.network.address}\t${full}${this.hostname}`,
        ...aliases,
        "",
      ].join("\n"),
    );
    const searches = [
      `${this.namespace}.svc.cluster.local`,
      "svc.cluster.local",
      "cluster.local",
      ...(dnsConfig?.searches ?? []),
    ];
    writeFileSync(
      this.resolvFile,
      `search ${searches.join(" ")}\nnameserver ${dnsAddress}\noptions ndots:5\n`,
    );
  }

  /** Brings mounted ConfigMaps and Secrets up to date. */
  async refreshVolumes() {
    for (const volume of (this.spec.volumes ?? []).filter(
      (volume) => isFromApi(volume) && this.volumes.has(volume.name),
    )) {
      await writeFromApi(volume, this.volumes.get(volume.name), this.context);
    }
  }

  #gpusOf(spec) {
    const count = Number(spec.resources?.limits?.[gpu] ?? 0);
    if (!this.#gpus.has(spec.name)) {
      this.#gpus.set(spec.name, this.agent.takeGpus(count));
    }
    return this.#gpus.get(spec.name);
  }

  devices(spec) {
    const indexes = this.#gpusOf(spec);
    return indexes.length > 0
      ? [
          ...indexes.map((index) => `/dev/nvidia${index}`),
          "/dev/nvidiactl",
          "/dev/nvidia-uvm",
          "/dev/nvidia-uvm-tools",
          "/dev/nvidia-modeset",
          "/dev/dri",
        ]
      : [];
  }

  deviceEnvironment(spec) {
    const indexes = this.#gpusOf(spec);
    return indexes.length > 0 ? { NVIDIA_VISIBLE_DEVICES: indexes.join(",") } : {};
  }

  // --- containers

  async #runContainers() {
    const running = [];
    const deadline =
      this.spec.activeDeadlineSeconds &&
      setTimeout(
        () =>
          this.#fail(
            "DeadlineExceeded",
            "Pod was active on the node longer than the specified deadline",
          ),
        this.spec.activeDeadlineSeconds * 1000,
      );
    if (await this.#runInits(running)) {
      this.#isInitialized = true;
      void this.report();
      await Promise.all(this.mains.map((container) => container.run()));
    }
    for (const sidecar of this.sidecars.reverse()) {
      await sidecar.stop(this.graceMs);
    }
    await Promise.all(running);
    clearTimeout(deadline);
  }

  /** True when the main containers may start. */
  async #runInits(running) {
    for (const container of this.inits) {
      if (this.#stopping.signal.aborted) {
        return false;
      }
      if (container.kind === "sidecar") {
        running.push(container.run());
        await container.untilStarted();
      } else if ((await container.run()) !== 0) {
        this.#failure ??= this.#stopping.signal.aborted ? undefined : {};
        return false;
      }
    }
    return !this.#stopping.signal.aborted;
  }

  #fail(reason, message) {
    this.#failure = { reason, message };
    void this.stop(this.graceMs);
  }

  async #finish() {
    for (const indexes of this.#gpus.values()) {
      this.agent.returnGpus(indexes);
    }
    if (!this.agent.isStopping) {
      while (this.#isReporting) {
        await sleep(20);
      }
      if (!this.#isGone) {
        await this.agent.api
          .delete(at(this.namespace, "pods", this.name), {
            gracePeriodSeconds: 0,
            preconditions: { uid: this.uid },
          })
          .catch((error) => error.status === 404 || log(`${this.fullName}: ${error.message}`));
      }
    }
    rmSync(this.directory, { recursive: true, force: true });
    log(`${this.fullName}: gone`);
  }

  // --- status

  /** Sends the status soon; never two at a time. */
  async report() {
    this.#mustReport = true;
    if (this.#isReporting || this.#isGone || this.agent.isStopping) {
      return; // when the agent is stopping, it looks as if the machine were switched off
    }
    this.#isReporting = true;
    while (this.#mustReport && !this.#isGone && !this.agent.isStopping) {
      this.#mustReport = false;
      await this.agent.api
        .patch(`${at(this.namespace, "pods", this.name)}/status`, {
          metadata: { uid: this.uid },
          status: this.#status(),
        })
        .catch(async (error) => {
          if (error.status !== 404 && error.status !== 409) {
            log(`${this.fullName}: status: ${error.message}`);
            this.#mustReport = true;
            await sleep(1000);
          }
        });
    }
    this.#isReporting = false;
  }

  #phase() {
    if (this.#failure) {
      return "Failed";
    }
    const hasEnded = this.mains.every(
      (container) => container.hasEnded && container.state.terminated,
    );
    if (hasEnded) {
      return this.mains.every(({ state }) => state.terminated.exitCode === 0)
        ? "Succeeded"
        : "Failed";
    }
    const hasStarted = this.mains.every(
      ({ state, lastState }) => state.running || state.terminated || lastState.terminated,
    );
    return this.#isInitialized && hasStarted ? "Running" : "Pending";
  }

  #status() {
    const phase = this.#phase();
    const containerStatuses = this.mains.map((container) => container.status());
    const ended = ["Succeeded", "Failed"].includes(phase) && {
      reason: phase === "Succeeded" ? "PodCompleted" : "PodFailed",
    };
    const unready = [...this.mains, ...this.sidecars]
      .filter((container) => !container.isReady)
      .map(({ spec }) => spec.name);
    const isReady = this.#isInitialized && unready.length === 0;
    const because = isReady
      ? {}
      : ended || {
          reason: "ContainersNotReady",
          message: `containers with unready status: [${unready.join(" ")}]`,
        };
    const gates = (this.spec.readinessGates ?? []).every(({ conditionType }) =>
      this.pod.status.conditions?.some(
        ({ type, status }) => type === conditionType && status === "True",
      ),
    );
    const conditions = [
      { type: "PodReadyToStartContainers", isTrue: Boolean(this.network) && !ended },
      {
        type: "Initialized",
        isTrue: this.#isInitialized,
        ...(this.#isInitialized ? {} : { reason: "ContainersNotInitialized" }),
      },
      { type: "ContainersReady", isTrue: isReady, ...because },
      {
        type: "Ready",
        isTrue: isReady && gates,
        ...(gates ? because : { reason: "ReadinessGatesNotReady" }),
      },
    ];
    return {
      phase,
      containerStatuses,
      ...this.#failure,
      initContainerStatuses: this.inits.map((container) => container.status()),
      conditions: this.#conditions(conditions),
      startTime: this.pod.status.startTime ?? this.#startTime,
      hostIP: nodeAddress,
      hostIPs: [{ ip: nodeAddress }],
      ...(this.network && { podIP: this.network.address, podIPs: [{ ip: this.network.address }] }),
      observedGeneration: this.pod.metadata.generation,
    };
  }
  #since = new Map();

  /** Ours, each with the time since when it is as it is; and those of others. */
  #conditions(ours) {
    const types = new Set(ours.map(({ type }) => type));
    const others = (this.pod.status.conditions ?? []).filter(({ type }) => !types.has(type));
    return [
      ...others,
      ...ours.map(({ type, isTrue, ...rest }) => {
        const status = isTrue ? "True" : "False";
        const since =
          this.#since.get(type)?.status === status ? this.#since.get(type).time : apiTime();
        this.#since.set(type, { status, time: since });
        return {
          type,
          status,
          lastTransitionTime: since,
          observedGeneration: this.pod.metadata.generation,
          ...rest,
        };
      }),
    ];
  }

  event(type, reason, message) {
    const now = apiTime();
    const { namespace, name, uid } = this.pod.metadata;
    this.agent.api
      .post(at(namespace, "events"), {
        metadata: { generateName: `${name}.`, namespace },
        type,
        reason,
        message: message.slice(0, 1000),
        count: 1,
        firstTimestamp: now,
        lastTimestamp: now,
        involvedObject: { apiVersion: "v1", kind: "Pod", namespace, name, uid },
        source: { component: "node-agent", host: this.agent.name },
        reportingComponent: "node-agent",
      })
      .catch(() => {}); // the namespace may be ending
  }
}
