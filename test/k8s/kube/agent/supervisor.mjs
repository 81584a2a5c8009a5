/** One container of a pod through all its restarts: start, probes, back-off, orderly stop; and its status. */
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { makeCgroup, processEnvironment, removeCgroup, startContainer } from "./container.mjs";
import { check, probeLoop } from "./probe.mjs";
import { apiTime, log, quantity, sleep } from "./util.mjs";
import { expand, isFromApi, makeEnvironment } from "./volumes.mjs";

const longestBackOffMs = 300_000;
const calmMs = 600_000; // a container that ran for this long starts with the shortest back-off again
const leastGraceMs = 2000;

/** An error that is shown as the reason why a container waits. */
class WaitingError extends Error {
  constructor(reason, message) {
    super(message);
    this.reason = reason;
  }
}

export class Supervisor {
  state = { waiting: { reason: "PodInitializing" } };
  lastState = {};
  restartCount = 0;
  isReady = false;
  isStarted = false;
  hasEnded = false; // and is not started again
  #stopping = new AbortController();
  #deadline = Infinity;
  #changed = Promise.withResolvers?.() ?? withResolvers();

  /** @param kind "main", "init" or "sidecar" */
  constructor(pod, spec, kind, earlier) {
    Object.assign(this, { pod, spec, kind, container: undefined });
    if (earlier?.containerID) {
      // The agent was started anew: to the pod it looks as if the machine had been.
      this.restartCount = earlier.restartCount + 1;
      this.lastState = {
        terminated: { exitCode: 255, reason: "Unknown", containerID: earlier.containerID },
      };
    }
  }

  /** Ends when the container has ended for good; resolves to its exit code. */
  async run() {
    const { agent } = this.pod;
    let backOffMs = 0;
    let exitCode = 0;
    while (!this.#stopping.signal.aborted) {
      this.container = await this.#startOrWait();
      if (!this.container) {
        break;
      }
      if (this.#stopping.signal.aborted) {
        void this.#end(this.container, 0); // the pod was told to end while this one started
      }
      const startedAt = Date.now();
      ({ exitCode } = await this.#watchOver(this.container));
      if (!this.#restartsAfter(exitCode) || this.#stopping.signal.aborted) {
        break;
      }
      backOffMs = Date.now() - startedAt > calmMs ? 0 : backOffMs;
      if (backOffMs > 0) {
        const message = `back-off ${backOffMs / 1000}s restarting failed container=${this.spec.name} pod=${this.pod.fullName}`;
        this.pod.event("Warning", "BackOff", message);
        this.#enter({ waiting: { reason: "CrashLoopBackOff", message } });
        await sleep(backOffMs, this.#stopping.signal);
      }
      backOffMs = Math.min(
        longestBackOffMs,
        backOffMs === 0 ? agent.settings.backOff * 1000 : backOffMs * 2,
      ); // the first restart is at once
      this.restartCount += 1;
    }
    this.hasEnded = true;
    void this.pod.report();
    return exitCode;
  }

  /** Resolves when a sidecar is far enough for the next container to start. */
  async untilStarted() {
    while (!this.isStarted && !this.hasEnded) {
      await this.#changed.promise;
    }
  }

  #restartsAfter(exitCode) {
    const policy =
      this.kind === "sidecar" ? "Always" : (this.spec.restartPolicy ?? this.pod.spec.restartPolicy);
    return policy === "Never" || (this.kind === "init" && exitCode === 0)
      ? false
      : policy === "Always" || exitCode !== 0;
  }

  // --- start

  async #startOrWait() {
    for (let waitMs = 5000; ; waitMs = Math.min(waitMs * 2, 60_000)) {
      try {
        return await this.#start();
      } catch (error) {
        const reason = error.reason ?? "CreateContainerConfigError";
        log(`${this.pod.fullName} ${this.spec.name}: ${reason}: ${error.message}`);
        this.pod.event("Warning", "Failed", error.message);
        this.#enter({ waiting: { reason, message: error.message } });
        await sleep(waitMs, this.#stopping.signal);
        if (this.#stopping.signal.aborted) {
          return undefined;
        }
      }
    }
  }

  async #start() {
    const { pod, spec } = this;
    const { agent } = pod;
    const image = agent.findImage(spec.image);
    if (!image) {
      throw new WaitingError(
        "ErrImagePull",
        `image "${spec.image}" is not in ${agent.settings.images}`,
      );
    }
    const security = { ...pod.spec.securityContext, ...spec.securityContext };
    const [user, group] = chooseUser(security, image);
    if (security.runAsNonRoot && user === 0) {
      throw new WaitingError(
        "CreateContainerConfigError",
        "container has runAsNonRoot and image will run as root",
      );
    }
    const environment = await makeEnvironment(spec, pod.context);
    const env = processEnvironment(image, user, {
      HOSTNAME: pod.hostname,
      ...environment,
      ...pod.deviceEnvironment(spec),
    });
    const program = spec.command ?? image.entrypoint ?? [];
    const argv = [...program, ...(spec.args ?? (spec.command ? [] : (image.cmd ?? [])))].map(
      (part, index) => (index < program.length && !spec.command ? part : expand(part, environment)),
    );
    const id = `${pod.uid}_${spec.name}_${this.restartCount}`;
    const cgroup = makeCgroup(
      `${agent.settings.node}/${id}`,
      spec.resources?.limits?.memory && quantity(spec.resources.limits.memory),
    );
    this.#turnLog();
    const container = startContainer({
      argv,
      env,
      image,
      user,
      group,
      cgroup,
      workingDir: spec.workingDir ?? image.workingDir ?? "/",
      hostname: pod.hostname,
      networkFile: pod.network.file,
      directory: join(pod.directory, "roots", spec.name),
      readOnlyRoot: security.readOnlyRootFilesystem === true,
      mounts: this.#mounts(environment, user),
      devices: pod.devices(spec),
      logFile: this.logFile,
      groups: [
        ...new Set([
          ...(security.supplementalGroups ?? []),
          ...(security.fsGroup === undefined ? [] : [security.fsGroup]),
        ]),
      ],
      capabilities: security.capabilities,
      noNewPrivileges: security.allowPrivilegeEscalation === false,
    });
    this.containerID = `local://${id}`;
    await container.made; // a signal sent earlier would be lost
    pod.event("Normal", "Started", `Container started: ${spec.name}`);
    return Object.assign(container, {
      stopSignal: spec.lifecycle?.stopSignal ?? image.stopSignal ?? "SIGTERM",
    });
  }

  get logFile() {
    return join(
      this.pod.agent.settings.work,
      "pods",
      `${this.pod.namespace}_${this.pod.name}_${this.spec.name}.log`,
    );
  }

  /** The log of an earlier run, also of an earlier pod of that name, is kept under another name. */
  #turnLog() {
    if (existsSync(this.logFile)) {
      this.previousLog = `${this.logFile}.until-${statSync(this.logFile).mtime.toISOString().slice(0, 23)}`;
      renameSync(this.logFile, this.previousLog);
    }
  }

  #mounts(environment) {
    const { pod, spec } = this;
    const mounts = [
      { source: pod.hostsFile, target: "/etc/hosts" },
      { source: pod.resolvFile, target: "/etc/resolv.conf" },
      { source: this.#terminationFile(), target: spec.terminationMessagePath },
    ];
    for (const { name, mountPath, subPath, subPathExpr, readOnly } of spec.volumeMounts ?? []) {
      const part = subPath ?? (subPathExpr && expand(subPathExpr, environment));
      const source = part ? join(pod.volumes.get(name), part) : pod.volumes.get(name);
      if (!existsSync(source)) {
        mkdirSync(source, { recursive: true });
      }
      const fromApi = isFromApi(pod.spec.volumes.find((volume) => volume.name === name));
      mounts.push({ source, target: mountPath, readOnly: readOnly || fromApi });
    }
    return mounts;
  }

  #terminationFile() {
    this.terminationFile ??= join(this.pod.directory, `${this.spec.name}.message`);
    writeFileSync(this.terminationFile, "", { mode: 0o666 });
    return this.terminationFile;
  }

  // --- while it runs

  async #watchOver(container) {
    const { spec } = this;
    const startedAt = apiTime();
    const probing = new AbortController();
    this.#enter({ running: { startedAt } });
    this.#afterStart(container, probing.signal).catch((error) =>
      log(`${this.pod.fullName} ${spec.name}: ${error.message}`),
    );
    const { exitCode, reason, message } = await container.done;
    probing.abort();
    this.isReady = this.isStarted = false;
    const said = message ?? this.#terminationMessage(exitCode);
    const terminated = {
      exitCode,
      reason,
      startedAt,
      finishedAt: apiTime(),
      containerID: this.containerID,
      ...(said && { message: said }),
    };
    log(`${this.pod.fullName} ${spec.name}: ended with ${exitCode} (${reason})`);
    this.#enter({ terminated });
    this.lastState = { terminated };
    await removeCgroup(container.settings.cgroup);
    return { exitCode };
  }

  #terminationMessage(exitCode) {
    const text = existsSync(this.terminationFile)
      ? readFileSync(this.terminationFile, "utf8").slice(0, 4096)
      : "";
    return (
      text ||
      (exitCode !== 0 && this.spec.terminationMessagePolicy === "FallbackToLogsOnError"
        ? tail(this.logFile, 2048)
        : "")
    );
  }

  async #afterStart(container, signal) {
    const { spec } = this;
    const target = this.#target(container);
    if (spec.lifecycle?.postStart) {
      const problem = await check(spec.lifecycle.postStart, target, 60_000);
      if (problem !== undefined) {
        this.pod.event("Warning", "FailedPostStartHook", problem);
        return this.#end(container, this.pod.graceMs);
      }
    }
    if (spec.startupProbe) {
      const passed = new AbortController();
      signal.addEventListener("abort", () => passed.abort());
      const onChange = (isSuccess) =>
        isSuccess ? passed.abort() : this.#fail(container, "startup", spec.startupProbe);
      await probeLoop(
        spec.startupProbe,
        target,
        passed.signal,
        onChange,
        this.#tellUnhealthy("Startup"),
      );
      if (signal.aborted) {
        return;
      }
    }
    this.isStarted = true;
    this.isReady = !spec.readinessProbe;
    this.#enter(this.state);
    if (spec.readinessProbe) {
      const onChange = (isSuccess) => {
        this.isReady = isSuccess;
        this.#enter(this.state);
      };
      void probeLoop(
        spec.readinessProbe,
        target,
        signal,
        onChange,
        this.#tellUnhealthy("Readiness"),
      );
    }
    if (spec.livenessProbe) {
      const alive = AbortSignal.any([signal, this.#stopping.signal]);
      void probeLoop(
        spec.livenessProbe,
        target,
        alive,
        (isSuccess) => isSuccess || this.#fail(container, "liveness", spec.livenessProbe),
        this.#tellUnhealthy("Liveness"),
      );
    }
  }

  #tellUnhealthy(kind) {
    const told = new Set();
    return (problem) => {
      if (!told.has(problem)) {
        told.add(problem);
        this.pod.event("Warning", "Unhealthy", `${kind} probe failed: ${problem}`);
      }
    };
  }

  #target = (container) => ({
    container,
    address: this.pod.network.address,
    portOf: (port) =>
      typeof port === "number"
        ? port
        : (this.spec.ports ?? []).find(({ name }) => name === port)?.containerPort,
  });

  #fail(container, kind, probe) {
    this.pod.event(
      "Normal",
      "Killing",
      `Container ${this.spec.name} failed ${kind} probe, will be restarted`,
    );
    void this.#end(
      container,
      probe.terminationGracePeriodSeconds
        ? probe.terminationGracePeriodSeconds * 1000
        : this.pod.graceMs,
    );
  }

  // --- stop

  /** Ends the container for good within the time; another call can only shorten it. */
  async stop(graceMs) {
    this.#deadline = Math.min(this.#deadline, Date.now() + graceMs);
    const isFirst = !this.#stopping.signal.aborted;
    this.#stopping.abort();
    if (isFirst && this.state.running) {
      this.pod.event("Normal", "Killing", `Stopping container ${this.spec.name}`);
      await this.#end(this.container, graceMs);
    }
  }

  /** preStop, then the stop signal, then SIGKILL when the time is over. */
  async #end(container, graceMs) {
    const deadline = Date.now() + graceMs;
    let hasEnded = false;
    const ended = container.done.then(() => (hasEnded = true));
    const until = async (promise, leastMs = 0) => {
      let isDone = false;
      promise.then(() => (isDone = true));
      const least = Date.now() + leastMs;
      while (
        !isDone &&
        !hasEnded &&
        Date.now() < Math.max(least, Math.min(deadline, this.#deadline))
      ) {
        await Promise.race([promise, ended, sleep(100)]);
      }
    };
    if (this.spec.lifecycle?.preStop && graceMs > 0) {
      await until(
        check(this.spec.lifecycle.preStop, this.#target(container), graceMs).then(
          (problem) => problem && this.pod.event("Warning", "FailedPreStopHook", problem),
        ),
      );
    }
    container.signal(container.stopSignal);
    await until(ended, graceMs > 0 ? leastGraceMs : 0);
    if (!hasEnded) {
      container.signal("SIGKILL");
    }
    await ended;
  }

  // --- status

  #enter(state) {
    this.state = state;
    void this.pod.report();
    const { resolve } = this.#changed;
    this.#changed = withResolvers();
    resolve();
  }

  status() {
    const { name, image } = this.spec;
    const isReady = this.kind === "init" ? this.state.terminated?.exitCode === 0 : this.isReady;
    const lastState = this.state.terminated ? {} : this.lastState;
    return {
      name,
      image,
      imageID: `local/${image}`,
      containerID: this.containerID,
      ready: isReady,
      started: this.isStarted,
      restartCount: this.restartCount,
      state: this.state,
      lastState,
    };
  }
}

function chooseUser({ runAsUser, runAsGroup }, image) {
  const [imageUser, imageGroup] = String(image.user ?? "0:0")
    .split(":")
    .map(Number);
  const user = runAsUser ?? imageUser;
  const entry = (image.passwd ?? [])
    .map((line) => line.split(":"))
    .find(([, , uid]) => Number(uid) === user);
  return [
    user,
    runAsGroup ?? (runAsUser === undefined ? imageGroup : undefined) ?? Number(entry?.[3] ?? 0),
  ];
}

/** The last bytes of a file. */
export function tail(file, bytes) {
  const descriptor = openSync(file, "r");
  try {
    const { size } = fstatSync(descriptor);
    const buffer = Buffer.alloc(Math.min(bytes, size));
    readSync(descriptor, buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString();
  } finally {
    closeSync(descriptor);
  }
}

function withResolvers() {
  const result = {};
  result.promise = new Promise((resolve) => (result.resolve = resolve));
  return result;
}
