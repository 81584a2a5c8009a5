/** The chain client with the metadata and the recordings of real runtimes. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { before, describe, it } from "node:test";
import { bls12_381 as bls } from "@noble/curves/bls12-381.js";
import { blake2AsU8a } from "@polkadot/util-crypto";
import { createLocalChain } from "@turntable/bittensor/chain";
import {
  compact,
  decodeNeuronsLite,
  keyOf,
  littleEndian,
  loadRuntime,
  parseExtrinsic,
  parseKey,
  prefixOf,
} from "@turntable/bittensor/internal";
import { keypairFromUri, publicKeyOf, ready } from "@turntable/bittensor/keys";
import { startLocalNode } from "@turntable/bittensor/local-node";
import { connectSubtensor } from "@turntable/bittensor/subtensor";
import { readVectors, skip, vectorPath } from "@turntable/bittensor/test";
import { decodePayload, decryptWithSignature, roundPoint } from "@turntable/bittensor/timelock";

before(ready);

const netuid = 17;
const masterScalar = 0x1234567890abcdefn;

const metadataFiles = skip ? [] : globSync(vectorPath("subtensor-metadata*")).toSorted();

function readMetadata(path: string): Uint8Array {
  const bytes = readFileSync(path);
  return path.endsWith(".hex")
    ? Buffer.from(bytes.toString("utf8").trim().replace(/^0x/, ""), "hex")
    : bytes;
}

/** From the file's name; the one without number is 320. */
function specOf(path: string): number {
  return Number(/spec(\d+)/.exec(basename(path))?.[1] ?? 320);
}

describe("with the metadata of real runtimes", { skip }, () => {
  for (const path of metadataFiles) {
    const metadata = readMetadata(path);
    const isV14 = metadata[4] === 14;
    // What describes no runtime APIs stands for 2024, when their answers were wrapped
    const specVersion = isV14 ? 150 : specOf(path);
    it(`${basename(path)}: a validator syncs 256 neurons, serves its axon and sets weights`, async () => {
      await using local = createLocalChain({
        blockMs: 20,
        subnets: [{ netuid, hyperparameters: { weightsRateLimit: 0 } }],
      });
      const validator = keypairFromUri("//Bob");
      local.register({ netuid, hotkey: validator.ss58, stakeTao: 5000 });
      for (let index = 1; index < 256; index += 1) {
        local.register({ netuid, hotkey: keypairFromUri(`//Miner${index}`).ss58, stakeTao: index });
      }
      local.advance(100);
      await using localNode = await startLocalNode({
        chain: local,
        metadata: { latest: metadata, ...(isV14 ? { v14: metadata } : {}) },
        specVersion,
        wrapped: isV14,
      });
      await using chain = await connectSubtensor({
        endpoints: [localNode.url],
        inclusionTimeoutMs: 10_000,
        beaconPublicKey: bls.G2.Point.BASE.multiply(masterScalar).toBytes(true),
      });
      const address = { ip: "8.8.8.8", port: 8091 };
      assert.equal(
        (await chain.serveAxon({ netuid, hotkey: validator, address })).kind,
        "included",
      );
      assert.deepEqual(
        (await chain.metagraph(netuid)).neurons,
        (await local.metagraph(netuid)).neurons,
      );
      assert.equal(await chain.uidOf(netuid, validator.ss58), 0);
      const weights = [
        { uid: 1, weight: 65535 },
        { uid: 255, weight: 9 },
      ];
      const set = { netuid, hotkey: validator, weights, versionKey: 3 };
      const outcome = await chain.setWeights(set);
      assert.equal(outcome.kind, "included", "message" in outcome ? outcome.message : "");
      assert.deepEqual(Array.from(local.weightsOf(netuid, 0)), [
        [1, 65535],
        [255, 9],
      ]);
      if (specVersion < 320) {
        return; // its commits are of an older kind, which nobody may use any more
      }
      local.setHyperparameters(netuid, { commitRevealEnabled: true });
      const committed = await chain.setWeights(set);
      assert.ok(committed.kind === "included", "message" in committed ? committed.message : "");
      const [commit] = local.ledger.subnets.get(netuid)?.commits ?? [];
      assert.ok(commit !== undefined);
      const signature = roundPoint(commit.revealRound).multiply(masterScalar).toBytes(true);
      const payload = decodePayload(decryptWithSignature(commit.commit, signature));
      assert.deepEqual(
        [payload.uids, payload.values],
        [
          [1, 255],
          [65535, 9],
        ],
      );
    });
  }
});

type Recording = Record<string, Record<string, Record<string, { result?: unknown }>>>;

describe("recorded-rpc.json", { skip }, () => {
  const recordings = () => readVectors<Recording>("recorded-rpc.json");
  const stateCall = (scenario: string, name: string): string => {
    const calls = recordings()[scenario]?.state_call ?? {};
    const found = Object.entries(calls).find(([params]) => params.includes(name));
    return String(found?.[1].result);
  };

  it("the neurons of a real subnet are read, wrapped in 2024 and bare since", () => {
    const older = decodeNeuronsLite(
      Buffer.from(stateCall("neurons_lite", "get_neurons_lite").slice(2), "hex"),
      true,
    );
    const newer = decodeNeuronsLite(
      Buffer.from(stateCall("metagraph", "get_neurons_lite").slice(2), "hex"),
      false,
    );
    for (const neurons of [older, newer]) {
      assert.ok(neurons.length > 0);
      assert.deepEqual(
        neurons.map(({ uid }) => uid),
        Array.from(neurons.keys()),
      );
      for (const { hotkey, incentive, axon } of neurons) {
        assert.notEqual(publicKeyOf(hotkey), undefined);
        assert.ok(incentive >= 0 && incentive <= 1);
        if (axon !== undefined) {
          assert.ok(axon.port > 0 && axon.port < 65536);
        }
      }
    }
    assert.throws(
      () =>
        decodeNeuronsLite(
          Buffer.from(stateCall("neurons_lite", "get_neurons_lite").slice(2), "hex"),
          false,
        ),
      RangeError,
    );
  });

  it("the client decodes a real metagraph that the local node plays back", async () => {
    const metadata = metadataFiles.find(
      (path) => specOf(path) === 320 && readMetadata(path)[4] === 15,
    );
    assert.ok(metadata !== undefined);
    await using local = createLocalChain({ blockMs: 50, subnets: [{ netuid: 1 }] });
    const recorded = new Map([
      [
        "SubnetInfoRuntimeApi_get_selective_metagraph",
        stateCall("metagraph", "get_selective_mechagraph"),
      ],
      ["NeuronInfoRuntimeApi_get_neurons_lite", stateCall("metagraph", "get_neurons_lite")],
    ]);
    await using localNode = await startLocalNode({
      chain: local,
      metadata: { latest: readMetadata(metadata) },
      specVersion: 320,
      recorded,
    });
    await using chain = await connectSubtensor({ endpoints: [localNode.url] });
    const { neurons } = await chain.metagraph(1);
    const lite = decodeNeuronsLite(
      Buffer.from(stateCall("metagraph", "get_neurons_lite").slice(2), "hex"),
      false,
    );
    assert.equal(neurons.length, lite.length);
    for (const [uid, neuron] of neurons.entries()) {
      const { stakeTao: _a, ...ours } = neuron;
      const { stakeTao: _b, ...theirs } = lite[uid] ?? neuron;
      assert.deepEqual(ours, theirs);
    }
  });
});

describe("recorded storage", { skip }, () => {
  /** By key; what was absent is left to the ledger. */
  const values = (): ReadonlyMap<string, string> =>
    new Map(
      Object.values(readVectors<Recording>("recorded-rpc.json")).flatMap((scenario) =>
        Object.entries(scenario.state_getStorageAt ?? {}).flatMap(([params, { result }]) => {
          const [key]: unknown[] = JSON.parse(params);
          return typeof result === "string" ? [[String(key), result] as const] : [];
        }),
      ),
    );

  it("that is absent has each runtime's own default: commit-reveal is on since 320", async () => {
    const unknown = 99; // to the ledger, so that every other value is absent
    for (const [spec, on] of [
      [233, false],
      [320, true],
    ] as const) {
      const path = metadataFiles.find(
        (file) => specOf(file) === spec && readMetadata(file)[4] !== 14,
      );
      assert.ok(path !== undefined);
      const added = loadRuntime(readMetadata(path)).storage.find(
        ({ name }) => name === "NetworksAdded",
      );
      assert.ok(added !== undefined);
      await using local = createLocalChain({ blockMs: 50, subnets: [{ netuid }] });
      await using localNode = await startLocalNode({
        chain: local,
        metadata: { latest: readMetadata(path) },
        specVersion: spec,
        recorded: new Map([[keyOf(added, [unknown]), "0x01"]]),
      });
      await using chain = await connectSubtensor({ endpoints: [localNode.url] });
      const { commitRevealEnabled, weightsRateLimit } = await chain.hyperparameters(unknown);
      assert.deepEqual([commitRevealEnabled, weightsRateLimit], [on, 100]);
    }
  });

  it("is read by the client from the local node that plays it back", async () => {
    const path = metadataFiles.find((file) => specOf(file) === 320 && readMetadata(file)[4] === 15);
    assert.ok(path !== undefined);
    const recorded = values();
    const { storage } = loadRuntime(readMetadata(path));
    const parts = (item: string) => {
      const entry = storage.find(({ name, pallet }) => name === item && pallet !== "System");
      assert.ok(entry !== undefined);
      const prefix = prefixOf(entry);
      return Array.from(recorded).flatMap(([key, value]) => {
        if (!key.startsWith(prefix)) {
          return [];
        }
        const found = parseKey(entry, Buffer.from(key.slice(prefix.length), "hex"));
        return found === undefined ? [] : [{ found, value }];
      });
    };
    const number = (hex: string): number => Buffer.from(hex.slice(2), "hex").readUInt16LE();
    const netuids = [...parts("MinAllowedWeights"), ...parts("MaxWeightsLimit")].map(
      ({ found: [id] }) => Number(id),
    );
    await using local = createLocalChain({
      blockMs: 50,
      subnets: Array.from(new Set(netuids), (id) => ({ netuid: id })),
    });
    await using localNode = await startLocalNode({
      chain: local,
      metadata: { latest: readMetadata(path) },
      specVersion: 320,
      recorded,
    });
    await using chain = await connectSubtensor({ endpoints: [localNode.url] });
    const uids = parts("Uids");
    assert.ok(uids.length > 0 && netuids.length > 0);
    for (const { found, value } of uids) {
      assert.equal(await chain.uidOf(Number(found[0]), String(found[1])), number(value));
    }
    for (const { found, value } of parts("MinAllowedWeights")) {
      assert.equal(
        (await chain.hyperparameters(Number(found[0]))).minAllowedWeights,
        number(value),
      );
    }
    for (const { found, value } of parts("MaxWeightsLimit")) {
      assert.equal((await chain.hyperparameters(Number(found[0]))).maxWeightsLimit, number(value));
    }
  });
});

describe("the stakes of a real subnet", { skip }, () => {
  it("are the total ones too where the runtime has no selective metagraph", async () => {
    const { metagraph = {} } = readVectors<Recording>("recorded-rpc.json");
    const calls = Object.entries(metagraph.state_call ?? {});
    const answer = (name: string): [string, string] => {
      const found = calls.find(([params]) => params.includes(name));
      return [name, String(found?.[1].result)];
    };
    const [, selective] = answer("SubnetInfoRuntimeApi_get_selective_mechagraph");
    const lite = answer("NeuronInfoRuntimeApi_get_neurons_lite");
    const state = answer("SubnetInfoRuntimeApi_get_subnet_state");
    const read = async (spec: number, recorded: readonly [string, string][]) => {
      const path = metadataFiles.find(
        (file) => specOf(file) === spec && readMetadata(file)[4] !== 14,
      );
      assert.ok(path !== undefined);
      await using local = createLocalChain({ blockMs: 50, subnets: [{ netuid: 1 }] });
      await using localNode = await startLocalNode({
        chain: local,
        metadata: { latest: readMetadata(path) },
        specVersion: spec,
        recorded: new Map(recorded),
      });
      await using chain = await connectSubtensor({ endpoints: [localNode.url] });
      return (await chain.metagraph(1)).neurons;
    };
    const newer = await read(320, [["SubnetInfoRuntimeApi_get_selective_metagraph", selective]]);
    assert.ok(newer.some(({ stakeTao }) => stakeTao > 0));
    assert.deepEqual(await read(233, [lite, state]), newer);
  });
});

describe("storage-keys.json and chain-types.json", { skip }, () => {
  interface Keys {
    pallet_prefix: string;
    keys: { item: string; args: (number | string)[]; key: string }[];
  }
  const runtime = () => {
    const path = metadataFiles.find((file) => specOf(file) === 320 && readMetadata(file)[4] === 15);
    assert.ok(path !== undefined);
    return loadRuntime(readMetadata(path));
  };

  it("keys are made as the chain hashes them", () => {
    const { storage } = runtime();
    for (const { item, args, key } of readVectors<Keys>("storage-keys.json").keys) {
      const entry =
        storage.find(({ name, pallet }) => name === item && pallet === "SubtensorModule") ??
        storage.find(({ name }) => name === item);
      if (entry === undefined) {
        continue; // of a newer runtime
      }
      assert.equal(args.length === 0 ? prefixOf(entry) : keyOf(entry, args), key, item);
    }
  });

  const plain = (hashers: readonly string[]): readonly string[] =>
    hashers.map((hasher) => hasher.toLowerCase().replaceAll("_", ""));

  it("errors, calls and storage have the names and numbers of each runtime", () => {
    interface Types {
      specs: Record<
        string,
        {
          errors: Record<string, string>;
          calls: Record<string, { index: number; args: string[] }>;
          storage: Record<string, { hashers?: string[] }>;
        }
      >;
    }
    const { specs } = readVectors<Types>("chain-types.json");
    for (const path of metadataFiles) {
      const known = specs[String(specOf(path))];
      if (known === undefined || readMetadata(path)[4] === 14) {
        continue;
      }
      const loaded = loadRuntime(readMetadata(path));
      const pallet = loaded.pallets.get("SubtensorModule");
      const found = loaded.registry.lookup.getSiType(pallet?.errors ?? 0).def.asVariant.variants;
      for (const variant of found) {
        assert.equal(variant.name.toString(), known.errors[variant.index.toString()]);
      }
      const { calls } = loaded.registry.metadata.pallets
        .filter(({ name }) => name.toString() === "SubtensorModule")
        .map(({ calls: type }) => ({
          calls: loaded.registry.lookup.getSiType(type.unwrap().type).def.asVariant.variants,
        }))[0] ?? { calls: [] };
      for (const [name, { index, args }] of Object.entries(known.calls)) {
        const call = calls.find((variant) => variant.name.toString() === name);
        assert.equal(call?.index.toNumber(), index, name);
        assert.deepEqual(
          call?.fields.map((field) => field.name.unwrap().toString()),
          args.map((arg) => arg.split(":")[0]),
        );
      }
      for (const [name, { hashers = [] }] of Object.entries(known.storage)) {
        const entry = loaded.storage.find(
          (item) => item.pallet === "SubtensorModule" && item.name === name,
        );
        if (entry !== undefined) {
          assert.deepEqual(plain(entry.hashers), plain(hashers), name);
        }
      }
    }
  });
});

describe("commit-hash.json", { skip }, () => {
  interface Classic {
    cases: {
      hotkey: string;
      netuid: number;
      uids: number[];
      values: number[];
      salt: number[];
      version_key: number;
      hash: string;
    }[];
  }
  it("the classic commit's hash is over the SCALE of its parts", () => {
    const list = (values: readonly number[]): Uint8Array =>
      Buffer.concat([
        compact(BigInt(values.length)),
        ...values.map((value) => littleEndian(BigInt(value), 2)),
      ]);
    for (const entry of readVectors<Classic>("commit-hash.json").cases) {
      const parts = Buffer.concat([
        publicKeyOf(entry.hotkey) ?? new Uint8Array(),
        littleEndian(BigInt(entry.netuid), 2),
        list(entry.uids),
        list(entry.values),
        list(entry.salt),
        littleEndian(BigInt(entry.version_key), 8),
      ]);
      assert.equal(`0x${Buffer.from(blake2AsU8a(parts, 256)).toString("hex")}`, entry.hash);
    }
  });
});

describe("calls.json and rpc-logs", { skip }, () => {
  interface Log {
    spec?: number;
    genesis?: string;
    extrinsics?: {
      raw: string;
      era_block_hash?: string;
      eraBlockHash?: string;
      spec?: number;
      [key: string]: unknown;
    }[];
  }

  it("real extrinsics of the SDKs decode, and are signed as the local node checks", () => {
    const runtimes = new Map(
      metadataFiles
        .filter((file) => readMetadata(file)[4] !== 14)
        .map((file) => [specOf(file), loadRuntime(readMetadata(file))]),
    );
    let checked = 0;
    for (const file of globSync(vectorPath("rpc-logs", "*.json"))) {
      const log: Log = JSON.parse(readFileSync(file, "utf8"));
      for (const extrinsic of log.extrinsics ?? []) {
        const spec = Number(extrinsic.spec ?? log.spec ?? 320);
        const birthHash = String(extrinsic.era_block_hash ?? extrinsic.eraBlockHash ?? "");
        // SDK 6.9 signs with whatever version it is told, 150 too; its calls are those of 320
        const runtime = runtimes.get(spec) ?? runtimes.get(320);
        assert.ok(runtime !== undefined);
        const call = parseExtrinsic(runtime, Buffer.from(extrinsic.raw.slice(2), "hex"), 5_000_000);
        const genesis = Buffer.from(
          "2f0555cc76fc2840a25a6ea3b9637146806f1f44b090c175ffde2a7e5ab36c03",
          "hex",
        );
        assert.ok(
          call.isSigned({
            specVersion: spec,
            genesis,
            birthHash: birthHash === "" ? genesis : Buffer.from(birthHash.slice(2), "hex"),
          }),
          `${basename(file)}: ${call.call}`,
        );
        checked += 1;
      }
    }
    assert.ok(checked > 0);
  });

  interface Payload {
    readonly era: string;
    readonly blockHash?: string;
    readonly hex: string;
  }
  it("what is signed, and for how long, has the chain's bytes", () => {
    const path = metadataFiles.find((file) => specOf(file) === 320 && readMetadata(file)[4] === 15);
    assert.ok(path !== undefined);
    const { registry } = loadRuntime(readMetadata(path));
    const vectors = readVectors<{
      calls: Record<string, string>;
      signing_payload_immortal: Payload & Record<string, string | number>;
      signing_payload_mortal: Payload;
      era_vectors: { current: number; period: number; hex: string }[];
    }>("calls.json");
    const { signing_payload_immortal: immortal, signing_payload_mortal: mortal } = vectors;
    const { genesisHash, nonce, specVersion, transactionVersion, tip } = immortal;
    const shared = { genesisHash, nonce, specVersion, transactionVersion, tip, version: 4 };
    for (const { era, blockHash = genesisHash, hex } of [immortal, mortal]) {
      const method = vectors.calls.set_weights;
      const payload = registry.createType(
        "ExtrinsicPayload",
        { ...shared, era, blockHash, method, mode: 0, metadataHash: null },
        { version: 4 },
      );
      assert.equal(Buffer.from(payload.toU8a(true)).toString("hex"), hex.slice(2));
    }
    for (const { current, period, hex } of vectors.era_vectors) {
      assert.equal(registry.createType("ExtrinsicEra", { current, period }).toHex(), hex);
    }
  });

  it("calls are encoded as the chain has them", () => {
    const path = metadataFiles.find((file) => specOf(file) === 320 && readMetadata(file)[4] === 15);
    assert.ok(path !== undefined);
    const { registry } = loadRuntime(readMetadata(path));
    const { calls } = readVectors<{ calls: Record<string, string> }>("calls.json");
    for (const [name, hex] of Object.entries(calls)) {
      const call = registry.createType("Call", hex);
      assert.equal(call.toHex(), hex, name);
      assert.equal(call.meta.name.toString(), name);
    }
  });
});
