/** The JSON-RPC methods that polkadot-js and the Python SDKs ask for. */
import { type Block, bytesOf, RpcError, type SimulatedNode } from "./node.ts";
import { byteVector } from "./scale.ts";
import { hexOf } from "./storage-key.ts";

/** One client. */
export interface Connection {
  readonly subscriptions: Map<string, (block: Block) => void>;
  /** It has asked for metadata with runtime APIs, or follows upgrades: SDKs of 2024 do neither. */
  knowsApis: boolean;
  notify(method: string, subscription: string, result: unknown): void;
  /** Breaks it off. */
  readonly terminate: () => void;
}

export type Method = (params: readonly unknown[], connection: Connection) => unknown;

export function createMethods(node: SimulatedNode): Readonly<Record<string, Method>> {
  const subscribe = (
    connection: Connection,
    told: (id: string) => (block: Block) => void,
  ): string => {
    const id = `sub${++subscriptionCount}`;
    connection.subscriptions.set(id, told(id));
    return id;
  };
  let subscriptionCount = 0;
  const subscribeHeads =
    (method: string): Method =>
    (_params, connection) => {
      const id = subscribe(
        connection,
        (known) => (block) => connection.notify(method, known, node.headerOf(block)),
      );
      setImmediate(() => connection.subscriptions.get(id)?.(node.head()));
      return id;
    };
  const unsubscribe: Method = ([id], connection) =>
    connection.subscriptions.delete(String(id)) || true;

  const methods: Readonly<Record<string, Method>> = {
    system_chain: () => "Bittensor",
    system_name: () => "turntable",
    system_version: () => "1",
    system_properties: () => ({ ss58Format: 42, tokenDecimals: 9, tokenSymbol: "TAO" }),
    system_health: () => ({ peers: 0, isSyncing: false, shouldHavePeers: false }),
    rpc_methods: () => ({ version: 1, methods: Object.keys(methods) }),
    chain_getBlockHash: ([number]) =>
      number === undefined || number === null ? node.head().hash : node.hashAt(Number(number)),
    chain_getHead: () => node.head().hash,
    chain_getFinalizedHead: () => node.head().hash,
    chain_getHeader: ([hash]) => node.headerOf(node.blockAt(hash)),
    chain_getBlock: ([hash]) => {
      const block = node.blockAt(hash);
      return {
        block: { header: node.headerOf(block), extrinsics: block.extrinsics },
        justifications: null,
      };
    },
    chain_subscribeNewHeads: subscribeHeads("chain_newHead"),
    chain_subscribeNewHead: subscribeHeads("chain_newHead"),
    chain_subscribeFinalizedHeads: subscribeHeads("chain_finalizedHead"),
    chain_unsubscribeNewHeads: unsubscribe,
    chain_unsubscribeFinalizedHeads: unsubscribe,
    state_getRuntimeVersion: () => node.runtimeVersion(),
    state_subscribeRuntimeVersion: (_params, connection) => {
      connection.knowsApis = true;
      let told = node.runtimeVersion().specVersion;
      const id = subscribe(connection, (known) => () => {
        const { specVersion } = node.runtimeVersion();
        if (told === specVersion) {
          return;
        }
        told = specVersion;
        connection.notify("state_runtimeVersion", known, node.runtimeVersion());
      });
      setImmediate(() => connection.notify("state_runtimeVersion", id, node.runtimeVersion()));
      return id;
    },
    state_unsubscribeRuntimeVersion: unsubscribe,
    state_getMetadata: () => hexOf(node.metadata(14) ?? new Uint8Array()),
    state_getStorage: ([key, hash]) => node.readStorage(String(key), hash),
    state_getStorageAt: ([key, hash]) => node.readStorage(String(key), hash),
    state_queryStorageAt: ([keys, hash]) => [
      {
        block: node.blockAt(hash).hash,
        changes: (Array.isArray(keys) ? keys : []).map((key) => [
          key,
          node.readStorage(String(key), hash),
        ]),
      },
    ],
    state_subscribeStorage: ([keys], connection) => {
      const list = Array.isArray(keys) ? keys.map(String) : [];
      const changes = () => list.map((key) => [key, node.readStorage(key, undefined)]);
      let last = "";
      const id = subscribe(connection, (known) => (block) => {
        const now = JSON.stringify(changes());
        if (now === last) {
          return;
        }
        last = now;
        connection.notify("state_storage", known, { block: block.hash, changes: changes() });
      });
      setImmediate(() => connection.subscriptions.get(id)?.(node.head()));
      return id;
    },
    state_unsubscribeStorage: unsubscribe,
    state_getKeysPaged: ([prefix, count, start]) =>
      node.keysPaged(String(prefix), Number(count), String(start ?? prefix)),
    state_call: ([name, data], connection) => {
      if (String(name).startsWith("Metadata_")) {
        connection.knowsApis = true;
      }
      if (name === "Metadata_metadata_versions") {
        return hexOf(Uint8Array.of(4, node.latestMetadataVersion(), 0, 0, 0));
      }
      if (name === "Metadata_metadata_at_version") {
        const found = node.metadata(Buffer.from(bytesOf(data)).readUInt32LE());
        return found === undefined
          ? "0x00"
          : hexOf(Buffer.concat([Uint8Array.of(1), byteVector(found)]));
      }
      // Clients do not say who they are. Among those that write 0x before an API's arguments, the SDKs of 2024 alone
      // do not read the metadata's APIs first.
      const isOfSdk2024 = !connection.knowsApis && String(data).startsWith("0x");
      const answer = node.callApi(String(name), bytesOf(data), isOfSdk2024);
      if (answer !== undefined) {
        return answer;
      }
      throw new RpcError(
        4003,
        `Client error: Execution failed: Exported method ${String(name)} is not found`,
      );
    },
    system_accountNextIndex: ([account]) => node.nextIndex(String(account)),
    account_nextIndex: ([account]) => node.nextIndex(String(account)),
    neuronInfo_getNeuron: ([netuid, uid]) => node.neuronInfo(Number(netuid), Number(uid)),
    author_submitExtrinsic: ([hex], connection) =>
      node.submit(hex, () => undefined, connection.terminate),
    author_submitAndWatchExtrinsic: ([hex], connection) => {
      const id = `sub${++subscriptionCount}`;
      const tell = (status: unknown): void => {
        if (connection.subscriptions.has(id)) {
          connection.notify("author_extrinsicUpdate", id, status);
        }
      };
      node.submit(hex, tell, connection.terminate);
      connection.subscriptions.set(id, () => undefined);
      setImmediate(() => tell("ready"));
      return id;
    },
    author_unwatchExtrinsic: unsubscribe,
    author_pendingExtrinsics: () => node.pending(),
  };
  return methods;
}

/** Answers one request, as text. */
export function answerRequest(
  methods: Readonly<Record<string, Method>>,
  text: string,
  connection: Connection,
  onMethod: (name: string) => void,
): string {
  const request = parseRequest(text);
  if (typeof request === "string") {
    return request;
  }
  const { method, id, params } = request;
  const name = String(method);
  onMethod(name);
  try {
    const handler = Object.hasOwn(methods, name) ? methods[name] : undefined;
    if (handler === undefined) {
      throw new RpcError(-32601, `Method not found: ${name}`);
    }
    const result = handler(Array.isArray(params) ? params : [], connection) ?? null;
    return JSON.stringify({ jsonrpc: "2.0", id, result });
  } catch (error) {
    const { code, message, data } =
      error instanceof RpcError ? error : new RpcError(-32603, String(error));
    return JSON.stringify({
      jsonrpc: "2.0",
      id,
      error: { code, message, ...(data === undefined ? {} : { data }) },
    });
  }
}

/** The request, or the answer to what is none. */
function parseRequest(
  text: string,
): string | { readonly method: unknown; readonly id?: unknown; readonly params?: unknown } {
  const refused = (code: number, message: string): string =>
    JSON.stringify({ jsonrpc: "2.0", id: null, error: { code, message } });
  let request: unknown;
  try {
    request = JSON.parse(text);
  } catch {
    return refused(-32700, "Parse error");
  }
  return typeof request === "object" && request !== null && "method" in request
    ? request
    : refused(-32600, "Invalid request");
}
