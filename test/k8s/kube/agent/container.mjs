/**
 * Runs a process as a container: own root, mounts, process ids, host name, user, capabilities and memory limit.
 * Everything is made by util-linux programs; all mounts are private to the process and vanish with it.
 */
import { spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  fchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { quote, sleep } from "./util.mjs";

/** What container runtimes allow when a pod says nothing. */
const defaultCapabilities = [
  "chown",
  "dac_override",
  "fowner",
  "fsetid",
  "kill",
  "setgid",
  "setuid",
  "setpcap",
  "net_bind_service",
  "net_raw",
  "sys_chroot",
  "mknod",
  "audit_write",
  "setfcap",
];
const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const setupFailed = 125;

// --- memory limits: cgroup v2, or the memory controller of v1

const isV2 = existsSync("/sys/fs/cgroup/cgroup.controllers");
const cgroupBase = isV2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory";
export const hasCgroups = existsSync(`${cgroupBase}/cgroup.procs`);

export function makeCgroup(name, memoryBytes) {
  if (!hasCgroups) {
    return undefined;
  }
  const path = `${cgroupBase}/${name}`;
  const parent = path.slice(0, path.lastIndexOf("/"));
  mkdirSync(path, { recursive: true });
  if (isV2) {
    for (const directory of [cgroupBase, parent]) {
      writeFileSync(`${directory}/cgroup.subtree_control`, "+memory");
    }
    writeFileSync(`${path}/memory.oom.group`, "1"); // as the kubelet: all of the container ends, not one process of it
  }
  if (memoryBytes) {
    writeFileSync(`${path}/${isV2 ? "memory.max" : "memory.limit_in_bytes"}`, String(memoryBytes));
  }
  return path;
}

function wasOutOfMemory(cgroup) {
  const text = cgroup
    ? readFileSync(`${cgroup}/${isV2 ? "memory.events" : "memory.oom_control"}`, "utf8")
    : "";
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0) > 0;
}

export async function removeCgroup(path) {
  for (let tries = 0; path && tries < 20; tries++) {
    try {
      return rmdirSync(path);
    } catch {
      await sleep(50); // its last process may still be ending
    }
  }
}

// --- the root: a tmpfs with the host's programs (read-only), a small /etc, and what image and pod bring

function rootScript({
  directory,
  image,
  hostname,
  readOnlyRoot,
  workingDir,
  mounts,
  devices,
  cgroup,
}) {
  const lines = [
    "set -e; trap 'echo node-agent: the container could not be made >&2; exit 125' EXIT",
    "mount --make-rprivate /",
    `mount -t tmpfs -o mode=755 container ${quote(directory)}; cd ${quote(directory)}`,
    "mkdir root layers; mount --bind root root; cd root",
    "mkdir -p usr etc proc sys dev run var/tmp var/run opt home root tmp old; chmod 1777 tmp var/tmp; chmod 700 root",
    "mount --bind /usr usr; mount -o remount,bind,ro usr; mount -t tmpfs -o mode=755 local usr/local; mkdir -p usr/local/bin usr/local/lib",
    ...["bin", "sbin", "lib", "lib64", "lib32"]
      .filter((name) => existsSync(`/${name}`))
      .map(linkOrBind),
    "for f in nsswitch.conf ld.so.cache ld.so.conf ld.so.conf.d localtime alternatives protocols services mime.types ssl ca-certificates.conf; do if [ -e /etc/$f ]; then cp -a /etc/$f etc/; fi; done; rm -rf etc/ssl/private",
    `printf '%s\\n' root:x:0:0:root:/root:/bin/sh nobody:x:65534:65534::/nonexistent:/bin/false ${(image.passwd ?? []).map(quote).join(" ")} >etc/passwd`,
    `printf '%s\\n' root:x:0: nogroup:x:65534: ${(image.group ?? []).map(quote).join(" ")} >etc/group`,
    `echo ${quote(hostname)} >etc/hostname; hostname ${quote(hostname)}`,
    // Users' home folders, as their images have them.
    ...(image.passwd ?? [])
      .map((line) => line.split(":"))
      .map(
        ([, , uid, gid, , home]) =>
          `mkdir -p .${quote(home)}; chown ${Number(uid)}:${Number(gid)} .${quote(home)}`,
      ),
    "mount -t proc proc proc; mount -t sysfs -o ro sysfs sys",
    ...cgroupMount(cgroup),
    "mount -t tmpfs -o mode=755 dev dev; mkdir dev/pts dev/shm; mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts",
    "mount -t tmpfs -o mode=1777,size=64m shm dev/shm; ln -s pts/ptmx dev/ptmx; ln -s /proc/self/fd dev/fd",
    "ln -s /proc/self/fd/0 dev/stdin; ln -s /proc/self/fd/1 dev/stdout; ln -s /proc/self/fd/2 dev/stderr",
    "for d in null zero full random urandom tty; do touch dev/$d; mount --bind /dev/$d dev/$d; done",
    ...devices
      .filter((device) => existsSync(device))
      .map((device) =>
        statSync(device).isDirectory()
          ? `mkdir -p .${device}; mount --rbind ${device} .${device}`
          : `touch .${device}; mount --bind ${device} .${device}`,
      ),
    ...Object.entries(image.mounts ?? {}).flatMap(([target, source], index) =>
      imageMount(target, source, readOnlyRoot, index),
    ),
    `mkdir -p .${quote(workingDir)}`,
    ...[...mounts].sort((a, b) => a.target.length - b.target.length).flatMap(volumeMount),
    "pivot_root . old; umount -l /old; rmdir /old",
    ...(readOnlyRoot ? ["mount -o remount,bind,ro /; mount -o remount,ro /usr/local"] : []),
    `cd ${quote(workingDir)}`,
    "trap - EXIT; exec 3>&-", // says that all is made
  ];
  return lines.join("\n");
}

/** /bin and its like are links into /usr on most systems. */
function linkOrBind(name) {
  return lstatSync(`/${name}`).isSymbolicLink()
    ? `ln -s ${quote(readlinkSync(`/${name}`))} ${name}`
    : `mkdir ${name}; mount --bind /${name} ${name}; mount -o remount,bind,ro ${name}`;
}

/** The container sees its own group as the root of all groups: programs read their memory limit there. */
function cgroupMount(cgroup) {
  if (!cgroup) {
    return [];
  }
  const target = isV2 ? "sys/fs/cgroup" : "sys/fs/cgroup/memory";
  return [
    ...(isV2
      ? []
      : ["mount -t tmpfs -o mode=755 cgroup sys/fs/cgroup; mkdir sys/fs/cgroup/memory"]),
    `mount --bind ${quote(cgroup)} ${target}; mount -o remount,bind,ro ${target}`,
  ];
}

/** An image's folder is read-only for a read-only root; else writes go to a layer that ends with the container. */
function imageMount(target, source, readOnlyRoot, index) {
  const [to, from] = [`.${quote(target)}`, quote(source)];
  if (!statSync(source).isDirectory()) {
    return [
      `mkdir -p "$(dirname ${to})"; touch ${to}; mount --bind ${from} ${to}; mount -o remount,bind,ro ${to}`,
    ];
  }
  if (readOnlyRoot) {
    return [`mkdir -p ${to}; mount --bind ${from} ${to}; mount -o remount,bind,ro ${to}`];
  }
  const layer = `../layers/${index}`;
  return [
    `mkdir -p ${to} ${layer}/up ${layer}/work; mount -t overlay -o lowerdir=${from},upperdir=${layer}/up,workdir=${layer}/work overlay ${to}`,
  ];
}

function volumeMount({ source, target, readOnly }) {
  const [to, from] = [`.${quote(target)}`, quote(source)];
  const make = statSync(source).isDirectory()
    ? `mkdir -p ${to}`
    : `mkdir -p "$(dirname ${to})"; [ -e ${to} ] || touch ${to}`;
  return [
    `${make}; mount --bind ${from} ${to}${readOnly ? `; mount -o remount,bind,ro ${to}` : ""}`,
  ];
}

// --- processes

/** If the agent dies, so do its containers: never is a process left behind. (A change of user forgets it.) */
const dieWithParent = ["/usr/bin/setpriv", "--pdeathsig", "KILL"];

/** The command that gives up rights and becomes the container's program, from within its namespaces. */
function privileges({ user, group, groups, capabilities, noNewPrivileges }) {
  const dropped = capabilities?.drop?.some((name) => name.toUpperCase() === "ALL")
    ? []
    : defaultCapabilities.filter((name) => !capabilities?.drop?.map(capabilityName).includes(name));
  const kept = [...new Set([...dropped, ...(capabilities?.add ?? []).map(capabilityName)])];
  return [
    "/usr/bin/setpriv",
    "--reuid",
    String(user),
    "--regid",
    String(group),
    ...(groups.length > 0 ? ["--groups", groups.join(",")] : ["--clear-groups"]),
    "--inh-caps",
    "-all",
    "--bounding-set",
    ["-all", ...kept.map((name) => `+${name}`)].join(","),
    ...(noNewPrivileges ? ["--no-new-privs"] : []),
    "--pdeathsig",
    "KILL",
    "--",
  ];
}
const capabilityName = (name) => name.toLowerCase().replace(/^cap_/, "");

/** HOME comes from the user's entry in the image, as container runtimes do it. */
export function processEnvironment(image, user, environment) {
  const home =
    user === 0
      ? "/root"
      : (image.passwd ?? [])
          .map((line) => line.split(":"))
          .find(([, , uid]) => Number(uid) === user)?.[5];
  return { PATH: systemPath, HOME: home ?? "/", ...image.env, ...environment };
}

/**
 * Starts a container. `settings`: argv, env, workingDir, image, hostname, networkFile, directory (empty, for its root),
 * readOnlyRoot, mounts, devices, cgroup, logFile, user, group, groups, capabilities, noNewPrivileges.
 */
export function startContainer(settings) {
  const { argv, env, networkFile, cgroup, logFile, user, group } = settings;
  mkdirSync(settings.directory, { recursive: true });
  const join = cgroup ? `echo $$ >${quote(`${cgroup}/cgroup.procs`)};` : "";
  const namespaces = [
    "/usr/bin/nsenter",
    `--net=${networkFile}`,
    "/usr/bin/unshare",
    "--mount",
    "--uts",
    "--ipc",
    "--pid",
    "--cgroup",
  ];
  // unshare --fork of util-linux 2.38 loses the exit status of a program that was killed, so bash forks and waits;
  // job control, because without it bash starts programs with SIGINT ignored.
  const fork = [
    "/bin/bash",
    "-c",
    'set -m; "$@" & exec >/dev/null 2>&1 3>&-; wait $!',
    "bash",
    ...dieWithParent,
    "/bin/sh",
  ];
  const script = `${settings.directory}.sh`;
  writeFileSync(script, `${rootScript(settings)}\nexec ${privileges(settings).join(" ")} "$@"\n`);
  const output = openSync(logFile, "a");
  fchownSync(output, user, group); // so that the program may open /dev/stdout
  const [first, ...rest] = [
    ...dieWithParent,
    "/bin/sh",
    "-ec",
    `${join} exec "$@"`,
    "sh",
    ...namespaces,
    ...fork,
    script,
    ...argv,
  ];
  const child = spawn(first, rest, { env, stdio: ["ignore", output, output, "pipe"] });
  closeSync(output);
  const made = new Promise((resolve) => child.stdio[3].on("close", resolve).resume());
  const done = new Promise((resolve) => {
    child.on("error", (error) =>
      resolve({ exitCode: 128, reason: "StartError", message: error.message }),
    );
    child.on("exit", (code, signal) => resolve(describeExit(code, signal, cgroup)));
  });
  return {
    made,
    done,
    init: () => initProcess(child.pid),
    signal: (name) => signalInit(child, name),
    settings,
  };
}

const signalNumbers = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGABRT: 6,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGTERM: 15,
};

function describeExit(code, signal, cgroup) {
  const exitCode = code ?? 128 + (signalNumbers[signal] ?? 0);
  const reason =
    wasOutOfMemory(cgroup) && exitCode !== 0
      ? "OOMKilled"
      : exitCode === 0
        ? "Completed"
        : exitCode === setupFailed
          ? "StartError"
          : "Error";
  return { exitCode, reason };
}

/** The process with id 1 in the container, by its id out here. */
function initProcess(parent) {
  try {
    return (
      Number(
        readFileSync(`/proc/${parent}/task/${parent}/children`, "utf8").trim().split(" ")[0],
      ) || undefined
    );
  } catch {
    return undefined;
  }
}

function signalInit(child, name) {
  try {
    process.kill(initProcess(child.pid) ?? child.pid, name);
  } catch {
    // it has ended
  }
}

/** Starts a further process in a container; a group of its own, so that all of it can be killed. */
export function execIn(container, argv, options = {}) {
  const { settings } = container;
  const join = settings.cgroup ? `echo $$ >${quote(`${settings.cgroup}/cgroup.procs`)};` : "";
  const enter = [
    "/usr/bin/nsenter",
    "--target",
    String(container.init()),
    "--mount",
    "--uts",
    "--ipc",
    "--net",
    "--pid",
    "--cgroup",
  ];
  const command = options.tty
    ? ["/usr/bin/script", "-qefc", argv.map(quote).join(" "), "/dev/null"]
    : argv;
  const inside = [
    "/bin/sh",
    "-c",
    `cd ${quote(settings.workingDir)}; exec "$@"`,
    "sh",
    ...privileges(settings),
    ...command,
  ];
  return spawn("/bin/sh", ["-ec", `${join} exec "$@"`, "sh", ...enter, ...inside], {
    env: settings.env,
    stdio: options.stdio ?? ["ignore", "pipe", "pipe"],
    detached: true,
  });
}

/** Runs a command in a container to its end. */
export function execToEnd(container, argv, timeoutMs) {
  return new Promise((resolve) => {
    const child = execIn(container, argv);
    let output = "";
    const timer = setTimeout(() => killGroup(child), timeoutMs);
    child.stdout.on("data", (data) => (output += data));
    child.stderr.on("data", (data) => (output += data));
    child.on("error", (error) => resolve({ code: 126, output: error.message }));
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ code: code ?? 137, output: output.slice(0, 1000) });
    });
  });
}

export function killGroup(child) {
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // it has ended
  }
}
