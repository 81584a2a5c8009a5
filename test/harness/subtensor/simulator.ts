/**
 * A node's JSON-RPC over a LocalChain: real metadata, real SCALE bytes, signed extrinsics that are decoded and checked.
 * Reads give the newest state whatever block they ask for; blocks, their extrinsics and events are kept.
 */
import { once } from "node:events";
import { blake2AsU8a } from "@polkadot/util-crypto";
import type { LocalChain } from "@turntable/bittensor/chain";
import { type WebSocket, WebSocketServer } from "ws";
import { parseExtrinsic, type SignedCall } from "./extrinsic.ts";
import { createOwnMetadata } from "./own-metadata.ts";
import {
  byteVector,
  compact,
  encode,
  littleEndian,
  loadRuntime,
  type Runtime,
  type StorageEntry,
  variantsOf,
} from "./scale.ts";
import { hexOf, keyOf, parseKey, prefixOf } from "./storage-key.ts";
import { callApi, keysOf, storageValue, type ValueContext } from "./values.ts";

export interface SimulatorOptions {
  readonly chain: LocalChain;
  /** Our own minimal ones by default. V14 is for clients that ask for nothing newer. */
  readonly metadata?: { readonly latest: Uint8Array; readonly v14?: Uint8Array };
  readonly specVersion?: number;
  /** 127.0.0.1 and a free port by default. */
  readonly port?: number;
  /** Answers of runtime APIs come wrapped in a Vec<u8>, as in 2024. */
  readonly wrapped?: boolean;
  /** Storage and API answers to give instead of the ledger's: `state_call` by name, storage by key. */
  readonly recorded?: ReadonlyMap<string, string>;
}

/** What goes wrong with the next extrinsic. */
export type Fault =
  /** The pool refuses it. */
  | { readonly kind: "pool"; readonly code: number; readonly data: string }
  /** It is in a block and fails there. */
  | { readonly kind: "dispatch"; readonly error: string }
  /** The connection breaks once it is in the pool; it still gets into a block. */
  | { readonly kind: "cut" }
  /** The connection breaks and it is lost. */
  | { readonly kind: "lose" }
  /** It is taken and never put into a block. */
  | { readonly kind: "stall" };

export interface Simulator extends AsyncDisposable {
  readonly url: string;
  failNext(fault: Fault): void;
  /** Every client loses its connection; the server stays. */
  cut(): void;
  /** A runtime upgrade: other metadata and version, told to subscribers with the next block. */
  upgrade(specVersion: number, metadata: NonNullable<SimulatorOptions["metadata"]>): void;
  /** Extrinsics that are in blocks, in order. */
  readonly included: readonly SignedCall[];
  /** Methods that were called, with how often. */
  readonly methods: ReadonlyMap<string, number>;
  setLastDrandRound(round: bigint): void;
}

interface Block {
  readonly number: number;
  readonly hash: string;
  readonly extrinsics: readonly string[];
  readonly events: string;
}

interface Pending {
  readonly call: SignedCall;
  readonly hex: string;
  readonly tell: (status: unknown) => void;
  readonly fault: Fault | undefined;
}

class RpcError extends Error {
  override name = "RpcError";
  readonly code: number;
  readonly data: string | undefined;
  constructor(code: number, message: string, data?: string) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

interface Connection {
  readonly subscriptions: Map<string, (block: Block) => void>;
  notify(method: string, subscription: string, result: unknown): void;
  readonly socket: WebSocket;
}

type Method = (params: readonly unknown[], connection: Connection) => unknown;

export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const { chain } = options;
  const own = options.metadata === undefined ? createOwnMetadata() : undefined;
  let latest = options.metadata?.latest ?? own?.v15 ?? new Uint8Array();
  let v14 = options.metadata === undefined ? own?.v14 : options.metadata.v14;
  let runtime: Runtime = loadRuntime(latest);
  let specVersion = options.specVersion ?? 320;
  let lastDrandRound = 0n;
  const nonces = new Map<string, number>();
  const pool: Pending[] = [];
  const included: SignedCall[] = [];
  const methodsSeen = new Map<string, number>();
  const faults: Fault[] = [];
  const connections = new Set<Connection>();
  const context: ValueContext = {
    chain,
    nonceOf: (ss58) => nonces.get(ss58) ?? 0,
    lastDrandRound: () => lastDrandRound,
  };
  const blocks = new Map<string, Block>();
  const byNumber = new Map<number, Block>();
  const genesis = hashOf(0);
  const remember = (block: Block): void => {
    blocks.set(block.hash, block);
    byNumber.set(block.number, block);
  };
  for (const number of [0, chain.ledger.block - 1, chain.ledger.block])
    remember({ number, hash: hashOf(number), extrinsics: [], events: "0x00" });

  const head = (): Block => blockAt(hashOf(chain.ledger.block));
  const blockAt = (hash: unknown): Block => {
    if (hash === undefined || hash === null || hash === noHash) return head();
    const found = blocks.get(String(hash));
    if (found === undefined)
      throw new RpcError(
        4003,
        "Client error: Api called for an unknown Block: State already discarded",
      );
    return found;
  };
  const headerOf = ({ number }: Block) => ({
    parentHash: number === 0 ? noHash : hashOf(number - 1),
    number: `0x${number.toString(16)}`,
    stateRoot: noHash,
    extrinsicsRoot: noHash,
    digest: { logs: [] },
  });
  const runtimeVersion = () => ({
    specName: "node-subtensor",
    implName: "node-subtensor",
    authoringVersion: 1,
    specVersion,
    implVersion: 1,
    transactionVersion: 1,
    stateVersion: 1,
    // Metadata API, version 2: asked for the newest version
    apis: [
      ["0xdf6acb689907609b", 5],
      ["0x37e397fc7c91f5e4", 2],
    ],
  });

  const apply = (
    pending: Pending,
  ): { readonly error: string | undefined; readonly events: readonly Uint8Array[] } => {
    const { call, fault } = pending;
    nonces.set(call.signer, call.nonce + 1);
    included.push(call);
    if (fault?.kind === "dispatch") return { error: fault.error, events: [] };
    const result = applyToLedger(chain, call, lastDrandRound);
    if (result.kind === "refused") return { error: result.error, events: [] };
    return { error: undefined, events: moduleEvents(runtime, chain, call) };
  };

  const makeBlock = (number: number): void => {
    const taken = pool.filter(({ fault }) => fault?.kind !== "stall");
    for (const one of taken) pool.splice(pool.indexOf(one), 1);
    const events: Uint8Array[] = [];
    for (const [index, pending] of taken.entries()) {
      const { error, events: own } = apply(pending);
      const phase = Buffer.concat([Uint8Array.of(0), littleEndian(BigInt(index), 4)]);
      for (const event of [...own, outcomeEvent(runtime, error)])
        events.push(Buffer.concat([phase, event, Uint8Array.of(0)]));
    }
    const block: Block = {
      number,
      hash: hashOf(number),
      extrinsics: taken.map(({ hex }) => hex),
      events: hexOf(Buffer.concat([compact(BigInt(events.length)), ...events])),
    };
    remember(block);
    for (const { tell } of taken) {
      tell({ inBlock: block.hash });
      tell({ finalized: block.hash });
    }
    for (const connection of connections)
      for (const told of connection.subscriptions.values()) told(block);
  };
  const stopBlocks = chain.onBlock(makeBlock);

  const submit = (
    hex: unknown,
    tell: (status: unknown) => void,
    connection: Connection,
  ): string => {
    const fault = faults.shift();
    if (fault?.kind === "pool") throw new RpcError(fault.code, "Invalid Transaction", fault.data);
    const bytes = bytesOf(hex);
    let call: SignedCall;
    try {
      call = parseExtrinsic(runtime, bytes, chain.ledger.block);
    } catch (error) {
      throw new RpcError(1010, "Invalid Transaction", `Transaction could not be decoded: ${error}`);
    }
    const birthHash = Buffer.from(hashOf(call.eraBirth).slice(2), "hex");
    if (!call.isSigned({ specVersion, genesis: Buffer.from(genesis.slice(2), "hex"), birthHash }))
      throw new RpcError(1010, "Invalid Transaction", "Transaction has a bad signature");
    const next = nonces.get(call.signer) ?? 0;
    if (call.nonce < next)
      throw new RpcError(1010, "Invalid Transaction", "Transaction is outdated");
    if (pool.some((one) => one.call.signer === call.signer && one.call.nonce === call.nonce))
      throw new RpcError(
        1014,
        "Priority is too low: (0 vs 0)",
        "The transaction has too low priority to replace another transaction already in the pool.",
      );
    if (fault?.kind !== "lose") pool.push({ call, hex: hexOf(bytes), tell, fault });
    if (fault?.kind === "cut" || fault?.kind === "lose")
      setImmediate(() => connection.socket.terminate());
    return hexOf(blake2AsU8a(bytes, 256));
  };

  const prefixes = new Map<string, StorageEntry>();
  const indexStorage = (): void => {
    prefixes.clear();
    for (const entry of runtime.storage) prefixes.set(prefixOf(entry), entry);
  };
  indexStorage();

  const readStorage = (key: string, hash: unknown): string | null => {
    const replayed = options.recorded?.get(key);
    if (replayed !== undefined) return replayed;
    const entry = prefixes.get(key.slice(0, 66));
    if (entry === undefined) return null;
    if (entry.pallet === "System" && entry.name === "Events") return blockAt(hash).events;
    const parts = parseKey(entry, Buffer.from(key.slice(66), "hex"));
    if (parts === undefined) return null;
    const value = storageValue(context, entry, parts);
    return value === undefined ? null : hexOf(encode(runtime, entry.value, value));
  };

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
        (known) => (block) => connection.notify(method, known, headerOf(block)),
      );
      setImmediate(() => connection.subscriptions.get(id)?.(head()));
      return id;
    };
  const unsubscribe: Method = ([id], connection) =>
    connection.subscriptions.delete(String(id)) || true;

  const metadataV14 = (): Uint8Array => v14 ?? latest;
  const methods: Readonly<Record<string, Method>> = {
    system_chain: () => "Bittensor",
    system_name: () => "simulator",
    system_version: () => "1",
    system_properties: () => ({ ss58Format: 42, tokenDecimals: 9, tokenSymbol: "TAO" }),
    system_health: () => ({ peers: 0, isSyncing: false, shouldHavePeers: false }),
    rpc_methods: () => ({ version: 1, methods: Object.keys(methods) }),
    chain_getBlockHash: ([number]) =>
      number === undefined || number === null
        ? head().hash
        : (byNumber.get(Number(number))?.hash ?? null),
    chain_getHead: () => head().hash,
    chain_getFinalizedHead: () => head().hash,
    chain_getHeader: ([hash]) => headerOf(blockAt(hash)),
    chain_getBlock: ([hash]) => {
      const block = blockAt(hash);
      return {
        block: { header: headerOf(block), extrinsics: block.extrinsics },
        justifications: null,
      };
    },
    chain_subscribeNewHeads: subscribeHeads("chain_newHead"),
    chain_subscribeNewHead: subscribeHeads("chain_newHead"),
    chain_subscribeFinalizedHeads: subscribeHeads("chain_finalizedHead"),
    chain_unsubscribeNewHeads: unsubscribe,
    chain_unsubscribeFinalizedHeads: unsubscribe,
    state_getRuntimeVersion: () => runtimeVersion(),
    state_subscribeRuntimeVersion: (_params, connection) => {
      let told = specVersion;
      const id = subscribe(connection, (known) => () => {
        if (told === specVersion) return;
        told = specVersion;
        connection.notify("state_runtimeVersion", known, runtimeVersion());
      });
      setImmediate(() => connection.notify("state_runtimeVersion", id, runtimeVersion()));
      return id;
    },
    state_unsubscribeRuntimeVersion: unsubscribe,
    state_getMetadata: () => hexOf(metadataV14()),
    state_getStorage: ([key, hash]) => readStorage(String(key), hash),
    state_getStorageAt: ([key, hash]) => readStorage(String(key), hash),
    state_queryStorageAt: ([keys, hash]) => [
      {
        block: blockAt(hash).hash,
        changes: (Array.isArray(keys) ? keys : []).map((key) => [
          key,
          readStorage(String(key), hash),
        ]),
      },
    ],
    state_subscribeStorage: ([keys], connection) => {
      const list = Array.isArray(keys) ? keys.map(String) : [];
      const changes = () => list.map((key) => [key, readStorage(key, undefined)]);
      let last = "";
      const id = subscribe(connection, (known) => (block) => {
        const now = JSON.stringify(changes());
        if (now === last) return;
        last = now;
        connection.notify("state_storage", known, { block: block.hash, changes: changes() });
      });
      setImmediate(() => connection.subscriptions.get(id)?.(head()));
      return id;
    },
    state_unsubscribeStorage: unsubscribe,
    state_getKeysPaged: ([prefix, count, start]) => {
      const entry = prefixes.get(String(prefix).slice(0, 66));
      if (entry === undefined) return [];
      const all = keysOf(context, entry)
        .map((key) => keyOf(entry, key))
        .filter((key) => key.startsWith(String(prefix)))
        .toSorted();
      return all.filter((key) => key > String(start ?? prefix)).slice(0, Number(count));
    },
    state_call: ([name, data]) => {
      const replayed = options.recorded?.get(String(name));
      if (replayed !== undefined) return replayed;
      if (name === "Metadata_metadata_versions")
        return hexOf(Uint8Array.of(4, latest[4] ?? 15, 0, 0, 0));
      if (name === "Metadata_metadata_at_version") {
        const asked = Buffer.from(bytesOf(data)).readUInt32LE();
        const found = asked === latest[4] ? latest : asked === 14 ? metadataV14() : undefined;
        return found === undefined
          ? "0x00"
          : hexOf(Buffer.concat([Uint8Array.of(1), byteVector(found)]));
      }
      const answer = callApi(
        context,
        runtime,
        String(name),
        bytesOf(data),
        options.wrapped ?? false,
      );
      if (answer === undefined)
        throw new RpcError(
          4003,
          `Client error: Execution failed: Exported method ${String(name)} is not found`,
        );
      return hexOf(answer);
    },
    system_accountNextIndex: ([account]) => nextIndex(String(account)),
    account_nextIndex: ([account]) => nextIndex(String(account)),
    neuronInfo_getNeuron: ([netuid, uid]) => {
      const argument = Buffer.concat([
        littleEndian(BigInt(Number(netuid)), 2),
        littleEndian(BigInt(Number(uid)), 2),
      ]);
      const answer = callApi(context, runtime, "NeuronInfoRuntimeApi_get_neuron", argument, false);
      // The answer is an Option; this method gives the bytes of its content
      return answer === undefined || answer[0] === 0 ? [] : Array.from(answer.subarray(1));
    },
    author_submitExtrinsic: ([hex], connection) => submit(hex, () => undefined, connection),
    author_submitAndWatchExtrinsic: ([hex], connection) => {
      const id = `sub${++subscriptionCount}`;
      const tell = (status: unknown): void => {
        if (connection.subscriptions.has(id))
          connection.notify("author_extrinsicUpdate", id, status);
      };
      submit(hex, tell, connection);
      connection.subscriptions.set(id, () => undefined);
      setImmediate(() => tell("ready"));
      return id;
    },
    author_unwatchExtrinsic: unsubscribe,
    author_pendingExtrinsics: () => pool.map(({ hex }) => hex),
  };
  const nextIndex = (ss58: string): number =>
    (nonces.get(ss58) ?? 0) + pool.filter(({ call }) => call.signer === ss58).length;

  const answer = (text: string, connection: Connection): string => {
    const request: unknown = JSON.parse(text);
    if (typeof request !== "object" || request === null || !("method" in request)) return "";
    const { method, id, params } = request as { method: unknown; id?: unknown; params?: unknown };
    const name = String(method);
    methodsSeen.set(name, (methodsSeen.get(name) ?? 0) + 1);
    try {
      const handler = Object.hasOwn(methods, name) ? methods[name] : undefined;
      if (handler === undefined) throw new RpcError(-32601, `Method not found: ${name}`);
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
  };

  const server = new WebSocketServer({ host: "127.0.0.1", port: options.port ?? 0 });
  await once(server, "listening");
  server.on("connection", (socket) => {
    const connection: Connection = {
      socket,
      subscriptions: new Map(),
      notify: (method, subscription, result) =>
        socket.send(JSON.stringify({ jsonrpc: "2.0", method, params: { subscription, result } })),
    };
    connections.add(connection);
    socket.on("message", (message) => socket.send(answer(String(message), connection)));
    socket.on("close", () => connections.delete(connection));
    socket.on("error", () => undefined);
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;

  return {
    url: `ws://127.0.0.1:${port}`,
    included,
    methods: methodsSeen,
    failNext: (fault) => faults.push(fault),
    cut() {
      for (const { socket } of connections) socket.terminate();
    },
    upgrade(version, metadata) {
      specVersion = version;
      latest = metadata.latest;
      v14 = metadata.v14;
      runtime = loadRuntime(latest);
      indexStorage();
    },
    setLastDrandRound(round) {
      lastDrandRound = round;
    },
    async [Symbol.asyncDispose]() {
      stopBlocks();
      for (const { socket } of connections) socket.terminate();
      server.close();
      await once(server, "close");
    },
  };
}

function applyToLedger(
  chain: LocalChain,
  { signer, call, args }: SignedCall,
  lastDrandRound: bigint,
) {
  const number = (name: string): number => Number(args[name]?.toString() ?? 0);
  const numbers = (name: string): readonly number[] => {
    const list = args[name]?.toJSON();
    return Array.isArray(list) ? list.map(Number) : [];
  };
  const integer = (name: string): bigint => BigInt(args[name]?.toString() ?? 0);
  const netuid = number("netuid");
  switch (call) {
    case "set_weights":
    case "set_mechanism_weights":
      return chain.ledger.setWeights(signer, {
        netuid,
        mechanism: number("mecid"),
        uids: numbers("dests"),
        values: numbers("weights"),
        versionKey: integer("version_key"),
      });
    case "serve_axon":
      return chain.ledger.serveAxon(signer, {
        netuid,
        version: number("version"),
        ip: integer("ip"),
        port: number("port"),
        ipType: number("ip_type"),
        protocol: number("protocol"),
      });
    case "commit_timelocked_weights":
    case "commit_timelocked_mechanism_weights":
      return chain.ledger.commitWeights(
        signer,
        {
          netuid,
          mechanism: number("mecid"),
          commit: args.commit?.toU8a(true) ?? new Uint8Array(),
          revealRound: integer("reveal_round"),
          version: number("commit_reveal_version"),
        },
        lastDrandRound,
      );
    default:
      return { kind: "refused", error: "CallFiltered" } as const;
  }
}

function moduleEvents(
  runtime: Runtime,
  chain: LocalChain,
  { call, signer, args }: SignedCall,
): readonly Uint8Array[] {
  const netuid = Number(args.netuid?.toString() ?? 0);
  const uid =
    chain.ledger.subnets.get(netuid)?.neurons.findIndex(({ hotkey }) => hotkey === signer) ?? 0;
  if (call === "serve_axon")
    return event(runtime, "SubtensorModule", "AxonServed", [netuid, signer]);
  if (call.startsWith("set_"))
    return event(runtime, "SubtensorModule", "WeightsSet", [netuid, uid]);
  const commit = args.commit?.toU8a(true) ?? new Uint8Array();
  return event(runtime, "SubtensorModule", "TimelockedWeightsCommitted", [
    signer,
    netuid,
    blake2AsU8a(commit, 256),
    BigInt(args.reveal_round?.toString() ?? 0),
  ]);
}

/** How the extrinsic went. */
function outcomeEvent(runtime: Runtime, error: string | undefined): Uint8Array {
  if (error === undefined)
    return event(runtime, "System", "ExtrinsicSuccess", {})[0] ?? new Uint8Array();
  const pallet = runtime.pallets.get("SubtensorModule");
  const index = variantsOf(runtime, pallet?.errors).find(({ name }) => name === error)?.index ?? 0;
  const dispatchError = { Module: [{ index: pallet?.index ?? 7, error: [index, 0, 0, 0] }] };
  return (
    event(runtime, "System", "ExtrinsicFailed", { dispatch_error: dispatchError })[0] ??
    new Uint8Array()
  );
}

/** None where the runtime has no such event. */
function event(
  runtime: Runtime,
  palletName: string,
  name: string,
  fields: readonly unknown[] | Readonly<Record<string, unknown>>,
): readonly Uint8Array[] {
  const pallet = runtime.pallets.get(palletName);
  if (pallet?.events === undefined) return [];
  const known = variantsOf(runtime, pallet.events).some((variant) => variant.name === name);
  if (!known) return [];
  const body = encode(runtime, pallet.events, { [name]: fields });
  return [Buffer.concat([Uint8Array.of(pallet.index), body])];
}

const noHash = `0x${"00".repeat(32)}`;
const hashes: string[] = [];

/** Clients compute a block's hash from its header, so it must be the real one. */
function hashOf(block: number): string {
  for (let number = hashes.length; number <= block; number += 1) {
    const header = Buffer.concat([
      Buffer.from((hashes[number - 1] ?? noHash).slice(2), "hex"),
      compact(BigInt(number)),
      new Uint8Array(64), // state and extrinsics roots
      Uint8Array.of(0), // no digests
    ]);
    hashes.push(hexOf(blake2AsU8a(header, 256)));
  }
  return hashes[block] ?? noHash;
}

/** With or without 0x: clients do both. */
function bytesOf(hex: unknown): Uint8Array {
  return Buffer.from(String(hex ?? "").replace(/^0x/, ""), "hex");
}
