/** The node behind the local node's JSON-RPC: metadata, blocks, the pool of calls, storage and runtime APIs. */
import { blake2AsU8a } from "@polkadot/util-crypto";
import type { LocalChain } from "../index.ts";
import { callApi } from "./apis.ts";
import { neuronBytes } from "./apis-2024.ts";
import { parseExtrinsic, type SignedCall } from "./extrinsic.ts";
import { applyToLedger, moduleEvents, outcomeEvent } from "./ledger-calls.ts";
import {
  type RuntimeMetadata,
  readRecordedRuntime,
  recordedSpecVersion,
} from "./recorded-runtime.ts";
import {
  compact,
  encode,
  littleEndian,
  loadRuntime,
  type Runtime,
  type StorageEntry,
} from "./scale.ts";
import { hexOf, keyOf, parseKey, prefixOf } from "./storage-key.ts";
import { keysOf, storageValue, type ValueContext } from "./values.ts";

export interface NodeOptions {
  readonly chain: LocalChain;
  /** Those of the public chain by default. V14 is for clients that ask for nothing newer. */
  readonly metadata?: Partial<RuntimeMetadata> & Pick<RuntimeMetadata, "latest">;
  readonly specVersion?: number;
  /** Answers of runtime APIs come wrapped in a Vec<u8>, as in 2024; told by the client when absent. */
  readonly wrapped?: boolean;
  /** Storage and API answers to give instead of the ledger's: `state_call` by name, storage by key. */
  readonly recorded?: ReadonlyMap<string, string>;
  /** Unix ms */
  readonly now?: () => number;
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
  | { readonly kind: "stall" }
  /** The runtime changes between its signing and its arrival. */
  | {
      readonly kind: "upgrade";
      readonly specVersion: number;
      readonly metadata: NonNullable<NodeOptions["metadata"]>;
    };

export interface Block {
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

/** What a node answers with a JSON-RPC error. */
export class RpcError extends Error {
  override name = "RpcError";
  readonly code: number;
  readonly data: string | undefined;
  constructor(code: number, message: string, data?: string) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

/** Blocks that clients may still ask for, beside the first. */
const blocksKept = 4096;

export type SimulatedNode = ReturnType<typeof createNode>;

export function createNode(options: NodeOptions) {
  const { chain } = options;
  let { latest, v14 }: NonNullable<NodeOptions["metadata"]> =
    options.metadata ?? readRecordedRuntime();
  let runtime: Runtime = loadRuntime(latest);
  let specVersion = options.specVersion ?? recordedSpecVersion;
  let lastDrandRound = 0n;
  const nonces = new Map<string, number>();
  const pool: Pending[] = [];
  const finalizing: (() => void)[] = [];
  const included: SignedCall[] = [];
  const faults: Fault[] = [];
  const context: ValueContext = {
    chain,
    nonceOf: (ss58) => nonces.get(ss58) ?? 0,
    lastDrandRound: () => lastDrandRound,
    now: options.now ?? Date.now,
  };
  const listeners = new Set<(block: Block) => void>();
  const blocks = new Map<string, Block>();
  const byNumber = new Map<number, Block>();
  const genesis = hashOf(0);
  const remember = (block: Block): void => {
    blocks.set(block.hash, block);
    byNumber.set(block.number, block);
    const forgotten = byNumber.get(block.number - blocksKept);
    if (forgotten === undefined || forgotten.number === 0) {
      return;
    }
    blocks.delete(forgotten.hash);
    byNumber.delete(forgotten.number);
  };
  for (const number of [0, chain.ledger.block - 1, chain.ledger.block]) {
    remember({ number, hash: hashOf(number), extrinsics: [], events: "0x00" });
  }

  const head = (): Block => blockAt(hashOf(chain.ledger.block));
  const blockAt = (hash: unknown): Block => {
    if (hash === undefined || hash === null || hash === noHash) {
      return head();
    }
    const found = blocks.get(String(hash));
    if (found === undefined) {
      throw new RpcError(
        4003,
        "Client error: Api called for an unknown Block: State already discarded",
      );
    }
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
    if (fault?.kind === "dispatch") {
      return { error: fault.error, events: [] };
    }
    const result = applyToLedger(chain, call, lastDrandRound);
    if (result.kind === "refused") {
      return { error: result.error, events: [] };
    }
    return { error: undefined, events: moduleEvents(runtime, chain, call) };
  };

  const makeBlock = (number: number): void => {
    const taken = pool.filter(({ fault }) => fault?.kind !== "stall");
    for (const one of taken) {
      pool.splice(pool.indexOf(one), 1);
    }
    const events: Uint8Array[] = [];
    for (const [index, pending] of taken.entries()) {
      const { error, events: own } = apply(pending);
      const phase = Buffer.concat([Uint8Array.of(0), littleEndian(BigInt(index), 4)]);
      for (const event of [...own, outcomeEvent(runtime, error)]) {
        events.push(Buffer.concat([phase, event, Uint8Array.of(0)]));
      }
    }
    const block: Block = {
      number,
      hash: hashOf(number),
      extrinsics: taken.map(({ hex }) => hex),
      events: hexOf(Buffer.concat([compact(BigInt(events.length)), ...events])),
    };
    remember(block);
    // A block later, as it comes on real chains: a client that waits for inclusion alone has stopped watching by then,
    // and SDK 9.0 breaks when it is told something after that
    for (const tellFinal of finalizing.splice(0)) {
      tellFinal();
    }
    for (const { tell } of taken) {
      tell({ inBlock: block.hash });
      finalizing.push(() => tell({ finalized: block.hash }));
    }
    for (const told of listeners) {
      told(block);
    }
  };
  const stopBlocks = chain.onBlock(makeBlock);

  const upgrade = (version: number, metadata: NonNullable<NodeOptions["metadata"]>): void => {
    specVersion = version;
    ({ latest, v14 } = metadata);
    runtime = loadRuntime(latest);
    indexStorage();
  };

  const submit = (
    hex: unknown,
    tell: (status: unknown) => void,
    breakConnection: () => void,
  ): string => {
    const fault = faults.shift();
    if (fault?.kind === "upgrade") {
      upgrade(fault.specVersion, fault.metadata);
    }
    if (fault?.kind === "pool") {
      throw new RpcError(fault.code, "Invalid Transaction", fault.data);
    }
    const bytes = bytesOf(hex);
    let call: SignedCall;
    try {
      call = parseExtrinsic(runtime, bytes, chain.ledger.block);
    } catch (error) {
      throw new RpcError(1010, "Invalid Transaction", `Transaction could not be decoded: ${error}`);
    }
    const birthHash = Buffer.from(hashOf(call.eraBirth).slice(2), "hex");
    if (!call.isSigned({ specVersion, genesis: Buffer.from(genesis.slice(2), "hex"), birthHash })) {
      throw new RpcError(1010, "Invalid Transaction", "Transaction has a bad signature");
    }
    const next = nonces.get(call.signer) ?? 0;
    if (call.nonce < next) {
      throw new RpcError(1010, "Invalid Transaction", "Transaction is outdated");
    }
    if (pool.some((one) => one.call.signer === call.signer && one.call.nonce === call.nonce)) {
      throw new RpcError(
        1014,
        "Priority is too low: (0 vs 0)",
        "The transaction has too low priority to replace another transaction already in the pool.",
      );
    }
    if (fault?.kind !== "lose") {
      pool.push({ call, hex: hexOf(bytes), tell, fault });
    }
    if (fault?.kind === "cut" || fault?.kind === "lose") {
      setImmediate(breakConnection);
    }
    return hexOf(blake2AsU8a(bytes, 256));
  };

  const prefixes = new Map<string, StorageEntry>();
  const indexStorage = (): void => {
    prefixes.clear();
    for (const entry of runtime.storage) {
      prefixes.set(prefixOf(entry), entry);
    }
  };
  indexStorage();

  const readStorage = (key: string, hash: unknown): string | null => {
    const replayed = options.recorded?.get(key);
    if (replayed !== undefined) {
      return replayed;
    }
    const entry = prefixes.get(key.slice(0, 66));
    if (entry === undefined) {
      return null;
    }
    if (entry.pallet === "System" && entry.name === "Events") {
      return blockAt(hash).events;
    }
    const parts = parseKey(entry, Buffer.from(key.slice(66), "hex"));
    if (parts === undefined) {
      return null;
    }
    const value = storageValue(context, entry, parts);
    return value === undefined ? null : hexOf(encode(runtime, entry.value, value));
  };

  return {
    genesis,
    included,
    head,
    blockAt,
    headerOf,
    hashAt: (number: number): string | null => byNumber.get(number)?.hash ?? null,
    runtimeVersion,
    /** Another version than these two is not there. */
    metadata: (version: number): Uint8Array | undefined =>
      version === latest[4] ? latest : version === 14 ? (v14 ?? latest) : undefined,
    latestMetadataVersion: (): number => latest[4] ?? 15,
    readStorage,
    keysPaged(prefix: string, count: number, start: string): readonly string[] {
      const entry = prefixes.get(prefix.slice(0, 66));
      if (entry === undefined) {
        return [];
      }
      return keysOf(context, entry)
        .map((key) => keyOf(entry, key))
        .filter((key) => key.startsWith(prefix) && key > start)
        .toSorted()
        .slice(0, count);
    },
    /** undefined when the runtime has no such API. */
    callApi(name: string, argument: Uint8Array, isOfSdk2024: boolean): string | undefined {
      const replayed = options.recorded?.get(name);
      if (replayed !== undefined) {
        return replayed;
      }
      const answer = callApi(context, runtime, name, argument, options.wrapped ?? isOfSdk2024);
      return answer === undefined ? undefined : hexOf(answer);
    },
    /** The bytes of NeuronInfo; empty when there is none. */
    neuronInfo: (netuid: number, uid: number): readonly number[] =>
      chain.ledger.subnets.get(netuid)?.neurons[uid] === undefined
        ? []
        : Array.from(neuronBytes(chain, netuid, uid, true)),
    submit,
    pending: (): readonly string[] => pool.map(({ hex }) => hex),
    nextIndex: (ss58: string): number =>
      (nonces.get(ss58) ?? 0) + pool.filter(({ call }) => call.signer === ss58).length,
    /** @returns what ends it */
    onBlock(listener: (block: Block) => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    failNext: (fault: Fault): void => {
      faults.push(fault);
    },
    upgrade,
    setLastDrandRound(round: bigint): void {
      lastDrandRound = round;
    },
    [Symbol.dispose]: stopBlocks,
  };
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
export function bytesOf(hex: unknown): Uint8Array {
  return Buffer.from(String(hex ?? "").replace(/^0x/, ""), "hex");
}
