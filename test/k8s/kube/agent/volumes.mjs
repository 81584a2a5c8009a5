/** A pod's volumes as folders on this machine, and the values that pods take from the API. */
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { at } from "./api.mjs";
import { quantity } from "./util.mjs";

/** Makes the folder of each volume: a map from name to path. `context`: api, pod, directory, claimFolder, podAddress. */
export async function makeVolumes(context) {
  const paths = new Map();
  for (const volume of context.pod.spec.volumes ?? []) {
    try {
      paths.set(volume.name, await makeVolume(volume, context));
    } catch (error) {
      // The words of a kubelet.
      const reason = error.message.replace(/^\d+: /, "");
      throw new Error(`MountVolume.SetUp failed for volume "${volume.name}" : ${reason}`);
    }
  }
  return paths;
}

async function makeVolume(volume, context) {
  const { pod, directory, claimFolder } = context;
  const { fsGroup } = pod.spec.securityContext ?? {};
  const path = join(directory, volume.name);
  if (volume.emptyDir) {
    mkdirSync(path, { recursive: true });
    chmodSync(path, 0o777);
    return giveToGroup(path, fsGroup);
  }
  const claim =
    volume.persistentVolumeClaim?.claimName ??
    (volume.ephemeral && `${pod.metadata.name}-${volume.name}`);
  if (claim) {
    return giveToGroup(await claimFolder(pod.metadata.namespace, claim), fsGroup);
  }
  if (volume.hostPath) {
    if (volume.hostPath.type === "DirectoryOrCreate") {
      mkdirSync(volume.hostPath.path, { recursive: true });
    }
    return volume.hostPath.path;
  }
  if (isFromApi(volume)) {
    await writeFromApi(volume, path, context);
    return path;
  }
  throw new Error(`volume ${volume.name}: this kind is not supported`);
}

/** What a kubelet does for fsGroup: the group owns everything and may read and write it. */
function giveToGroup(path, group) {
  if (group !== undefined) {
    const status = lstatSync(path);
    lchownSync(path, status.uid, group);
    if (!status.isSymbolicLink()) {
      chmodSync(path, status.mode | (status.isDirectory() ? 0o2770 : 0o660));
    }
    if (status.isDirectory()) {
      for (const name of readdirSync(path)) {
        giveToGroup(join(path, name), group);
      }
    }
  }
  return path;
}

// --- configMap, secret, downwardAPI, projected

export const isFromApi = (volume) =>
  Boolean(volume.configMap || volume.secret || volume.downwardAPI || volume.projected);

/** Writes such a volume, or brings it up to date: a new folder behind a link that is replaced in one step, as a kubelet does. */
export async function writeFromApi(volume, path, context) {
  const { fsGroup } = context.pod.spec.securityContext ?? {};
  const source = volume.projected ?? volume.configMap ?? volume.secret ?? volume.downwardAPI;
  const defaultMode = source.defaultMode ?? 0o644;
  const files = [];
  for (const part of volume.projected ? (source.sources ?? []) : [volume]) {
    files.push(...(await readSource(part, context)));
  }
  const signature = JSON.stringify(files);
  if (context.written?.get(path) === signature) {
    return;
  }
  mkdirSync(path, { recursive: true });
  chmodSync(path, 0o755);
  const fresh = mkdtempSync(join(path, "..data-"));
  chmodSync(fresh, 0o755);
  for (const { name, content, mode = defaultMode } of files) {
    const file = join(fresh, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    chownSync(file, 0, fsGroup ?? 0);
    chmodSync(file, fsGroup === undefined ? mode : mode | 0o440);
    const [top] = name.split("/");
    if (!existsSync(join(path, top)) && !isLink(join(path, top))) {
      symlinkSync(join("..data", top), join(path, top));
    }
  }
  symlinkSync(fresh.slice(path.length + 1), join(path, "..data-new"));
  renameSync(join(path, "..data-new"), join(path, "..data"));
  readdirSync(path)
    .filter((name) => name.startsWith("..data-") && join(path, name) !== fresh)
    .forEach((name) => {
      rmSync(join(path, name), { recursive: true });
    });
  context.written?.set(path, signature);
}

function isLink(path) {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

async function readSource(part, context) {
  const { api, pod } = context;
  const { namespace } = pod.metadata;
  if (part.downwardAPI) {
    return (part.downwardAPI.items ?? []).map(({ path, fieldRef, resourceFieldRef, mode }) => ({
      name: path,
      content: fieldRef
        ? field(fieldRef.fieldPath, context)
        : resource(
            resourceFieldRef,
            pod.spec.containers.find(({ name }) => name === resourceFieldRef.containerName),
            context,
          ),
      mode,
    }));
  }
  if (part.serviceAccountToken) {
    const { path, audience, expirationSeconds = 3600 } = part.serviceAccountToken;
    const request = {
      spec: {
        audiences: audience ? [audience] : undefined,
        expirationSeconds,
        boundObjectRef: {
          apiVersion: "v1",
          kind: "Pod",
          name: pod.metadata.name,
          uid: pod.metadata.uid,
        },
      },
    };
    context.tokens ??= new Map(); // asked for once; a pod that lives longer than its token is not this tool's business
    const key = `${path} ${audience}`;
    if (!context.tokens.has(key)) {
      context.tokens.set(
        key,
        await api.post(
          `${at(namespace, "serviceaccounts", pod.spec.serviceAccountName)}/token`,
          request,
        ),
      );
    }
    return [{ name: path, content: context.tokens.get(key).status.token, mode: 0o644 }];
  }
  const { name, secretName = name, items, optional } = part.configMap ?? part.secret;
  const type = part.configMap ? "configmaps" : "secrets";
  const data = await readData(api, namespace, type, secretName, optional);
  const wanted = items ?? Object.keys(data).map((key) => ({ key, path: key }));
  return wanted
    .filter(({ key }) => data[key] !== undefined || !optional)
    .map(({ key, path, mode }) => {
      if (data[key] === undefined) {
        throw new Error(`${type.slice(0, -1)} "${secretName}" has no key ${key}`);
      }
      return { name: path, content: data[key], mode };
    });
}

/** The data of a ConfigMap or Secret; nothing when an optional one does not exist. */
async function readData(api, namespace, type, name, optional) {
  try {
    const object = await api.get(at(namespace, type, name));
    const decode = (data) =>
      Object.entries(data ?? {}).map(([key, value]) => [key, Buffer.from(value, "base64")]);
    return Object.fromEntries(
      type === "secrets"
        ? decode(object.data)
        : [...Object.entries(object.data ?? {}), ...decode(object.binaryData)],
    );
  } catch (error) {
    if (error.status === 404 && optional) {
      return {};
    }
    throw error;
  }
}

// --- a container's environment

export async function makeEnvironment(container, context) {
  const { api, pod, services } = context;
  const { namespace } = pod.metadata;
  const environment = serviceVariables(pod, services);
  for (const { prefix = "", configMapRef, secretRef } of container.envFrom ?? []) {
    const { name, optional } = configMapRef ?? secretRef;
    const data = await readData(
      api,
      namespace,
      configMapRef ? "configmaps" : "secrets",
      name,
      optional,
    );
    for (const [key, value] of Object.entries(data)) {
      environment[prefix + key] = String(value);
    }
  }
  for (const { name, value = "", valueFrom } of container.env ?? []) {
    const found = valueFrom
      ? await readReference(valueFrom, container, context)
      : expand(value, environment);
    if (found !== undefined) {
      environment[name] = found;
    }
  }
  return environment;
}

async function readReference(
  { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef },
  container,
  context,
) {
  if (fieldRef) {
    return field(fieldRef.fieldPath, context);
  }
  if (resourceFieldRef) {
    return resource(resourceFieldRef, container, context);
  }
  const { name, key, optional } = configMapKeyRef ?? secretKeyRef;
  const type = configMapKeyRef ? "configmaps" : "secrets";
  const data = await readData(context.api, context.pod.metadata.namespace, type, name, optional);
  if (data[key] === undefined && !optional) {
    throw new Error(
      `couldn't find key ${key} in ${type.slice(0, -1)} ${context.pod.metadata.namespace}/${name}`,
    );
  }
  return data[key] === undefined ? undefined : String(data[key]);
}

/** Replaces $(NAME); $$(NAME) stays as $(NAME), and an unknown name stays as it is. */
export function expand(text, environment) {
  return text.replace(/\$\$|\$\(([^)]*)\)/g, (all, name) =>
    name === undefined ? "$" : (environment[name] ?? all),
  );
}

function field(path, { pod, podAddress, nodeAddress }) {
  const [, kind, key] = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path) ?? [];
  const values = {
    "metadata.name": pod.metadata.name,
    "metadata.namespace": pod.metadata.namespace,
    "metadata.uid": pod.metadata.uid,
    "spec.nodeName": pod.spec.nodeName,
    "spec.serviceAccountName": pod.spec.serviceAccountName,
    "status.podIP": podAddress,
    "status.podIPs": podAddress,
    "status.hostIP": nodeAddress,
    "status.hostIPs": nodeAddress,
    "metadata.labels": listed(pod.metadata.labels),
    "metadata.annotations": listed(pod.metadata.annotations),
  };
  return kind ? (pod.metadata[kind]?.[key] ?? "") : (values[path] ?? "");
}

const listed = (map) =>
  Object.entries(map ?? {})
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join("\n");

function resource({ resource: name, divisor = "1" }, container, { allocatable }) {
  const [kind, type] = [name.split(".")[0], name.slice(name.indexOf(".") + 1)];
  const value =
    container.resources?.[kind]?.[type] ?? (kind === "limits" ? allocatable[type] : "0");
  return String(Math.ceil(quantity(value) / (quantity(divisor) || 1)));
}

/** Variables for the API server, and for each Service of the namespace unless the pod does not want them. */
function serviceVariables(pod, services) {
  const own =
    pod.spec.enableServiceLinks === false ? [] : services.inNamespace(pod.metadata.namespace);
  const all = [services.find("kubernetes", "default"), ...own].filter(
    (service) => service?.spec.clusterIP && service.spec.clusterIP !== "None",
  );
  const variables = {};
  for (const { metadata, spec } of all) {
    const name = metadata.name.toUpperCase().replaceAll("-", "_");
    const [first] = spec.ports;
    Object.assign(variables, {
      [`${name}_SERVICE_HOST`]: spec.clusterIP,
      [`${name}_SERVICE_PORT`]: String(first.port),
      [`${name}_PORT`]: `tcp://${spec.clusterIP}:${first.port}`,
    });
    for (const { name: portName, port, protocol } of spec.ports) {
      const prefix = `${name}_PORT_${port}_${protocol}`;
      Object.assign(variables, {
        ...(portName && {
          [`${name}_SERVICE_PORT_${portName.toUpperCase().replaceAll("-", "_")}`]: String(port),
        }),
        [prefix]: `${protocol.toLowerCase()}://${spec.clusterIP}:${port}`,
        [`${prefix}_PROTO`]: protocol.toLowerCase(),
        [`${prefix}_PORT`]: String(port),
        [`${prefix}_ADDR`]: spec.clusterIP,
      });
    }
  }
  return variables;
}
