/** A client of the API server: requests, and following a list by watching it. */
import https from "node:https";
import net from "node:net";
import tls from "node:tls";
import { log, run, sleep } from "./util.mjs";

/** The credentials in a kubeconfig. kubectl reads it, so that no YAML parser is needed. */
export async function readKubeconfig(kube, file) {
  const text = await run(kube, [
    "kubectl",
    "--kubeconfig",
    file,
    "config",
    "view",
    "--raw",
    "--flatten",
    "-o",
    "json",
  ]);
  const config = JSON.parse(text);
  const decode = (data) => data && Buffer.from(data, "base64").toString();
  const [{ cluster }] = config.clusters;
  const [{ user }] = config.users;
  return {
    server: cluster.server,
    ca: decode(cluster["certificate-authority-data"]),
    cert: decode(user["client-certificate-data"]),
    key: decode(user["client-key-data"]),
  };
}

export class ApiError extends Error {
  constructor(status, message) {
    super(`${status}: ${message}`);
    this.status = status;
  }
}

export class Api {
  #agent;
  #headers;

  /** The server is reached through a UNIX socket: those, unlike ports, are the same in all network namespaces. */
  constructor({ ca, cert, key, socketPath }) {
    this.#agent = new https.Agent({ keepAlive: true, maxSockets: 64 });
    this.#agent.createConnection = () =>
      tls.connect({ socket: net.connect(socketPath), ca, cert, key, servername: "localhost" });
    this.#headers = { host: "localhost", accept: "application/json" };
  }

  get = (path, query) => this.#json("GET", path, undefined, undefined, query);
  post = (path, body) => this.#json("POST", path, body);
  delete = (path, body) => this.#json("DELETE", path, body);
  /** Objects are merged, lists are replaced. */
  patch = (path, body) => this.#json("PATCH", path, body, "application/merge-patch+json");

  #open(method, path, body, contentType = "application/json", query = {}) {
    const search = new URLSearchParams(query).toString();
    const text = body && JSON.stringify(body);
    const headers = {
      ...this.#headers,
      ...(text && { "content-type": contentType, "content-length": Buffer.byteLength(text) }),
    };
    return new Promise((resolve, reject) => {
      const request = https.request(
        { method, path: search ? `${path}?${search}` : path, headers, agent: this.#agent },
        resolve,
      );
      request.on("error", reject);
      request.end(text);
    });
  }

  async #json(...args) {
    const response = await this.#open(...args);
    const chunks = [];
    for await (const chunk of response) {
      chunks.push(chunk);
    }
    const text = Buffer.concat(chunks).toString();
    const value = /json/.test(response.headers["content-type"] ?? "") ? JSON.parse(text) : text;
    if (response.statusCode >= 300) {
      throw new ApiError(response.statusCode, value?.message ?? text);
    }
    return value;
  }

  async *#watch(path, query) {
    const response = await this.#open("GET", path, undefined, undefined, {
      ...query,
      watch: "true",
      timeoutSeconds: "240",
    });
    if (response.statusCode >= 300) {
      response.resume();
      throw new ApiError(response.statusCode, "watch refused");
    }
    let rest = "";
    response.setEncoding("utf8");
    for await (const chunk of response) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop();
      yield* lines.filter(Boolean).map((line) => JSON.parse(line));
    }
  }

  /** Calls onEvent(type, object) for everything in a list now and for every change, for ever. */
  async follow(path, query, onEvent) {
    const known = new Map();
    const emit = (type, object) => {
      const { uid } = object.metadata;
      type === "DELETED" ? known.delete(uid) : known.set(uid, object);
      onEvent(type, object);
    };
    for (;;) {
      try {
        const list = await this.get(path, query);
        const listed = new Set(list.items.map((item) => item.metadata.uid));
        [...known.values()]
          .filter((item) => !listed.has(item.metadata.uid))
          .forEach((item) => {
            emit("DELETED", item);
          });
        for (const item of list.items) {
          emit("MODIFIED", item);
        }
        let { resourceVersion } = list.metadata;
        for (let usable = true; usable; ) {
          for await (const { type, object } of this.#watch(path, { ...query, resourceVersion })) {
            if (type === "ERROR") {
              usable = false; // too old: list again
              break;
            }
            resourceVersion = object.metadata.resourceVersion;
            emit(type, object);
          }
        }
      } catch (error) {
        log(`watching ${path}: ${error.message}`);
        await sleep(1000);
      }
    }
  }
}

/** The core API's path of an object in a namespace. */
export const at = (namespace, type, name = "") =>
  `/api/v1/namespaces/${namespace}/${type}${name && `/${name}`}`;
