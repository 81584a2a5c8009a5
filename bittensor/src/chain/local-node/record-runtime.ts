/**
 * Makes `runtime-320.br` from recorded metadata of the public chain:
 * `node bittensor/src/chain/local-node/record-runtime.ts V15.hex V14.hex NEWER.scale`. The third file is a later
 * runtime's, from which the runtime API for hyperparameters of version 3 is taken.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import { metadataBytes, metadataJson } from "./metadata-json.ts";
import { recordedSpecVersion } from "./recorded-runtime.ts";
import { type Json, listOf, read } from "./scale.ts";

const [v15Path = "", v14Path = "", newerPath = ""] = process.argv.slice(2);
const v15 = extend(readMetadata(v15Path), readMetadata(newerPath));
const v14 = metadataBytes(14, readMetadata(v14Path));
const length = Buffer.alloc(4);
length.writeUInt32LE(v15.length);
const packed = brotliCompressSync(Buffer.concat([length, v15, v14]), {
  params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 },
});
writeFileSync(join(import.meta.dirname, `runtime-${recordedSpecVersion}.br`), packed);
console.log(`${v15.length} and ${v14.length} bytes, packed ${packed.length}`);

function readMetadata(path: string): Json {
  const file = readFileSync(path);
  const bytes = path.endsWith(".hex")
    ? Buffer.from(file.toString("utf8").trim().replace(/^0x/, ""), "hex")
    : file;
  return metadataJson(bytes);
}

/** Adds what later SDKs ask for: the epoch's storage items and the hyperparameters of version 3. */
function extend(runtime: Json, newer: Json): Uint8Array {
  const types = listOf<{ id: number; type: Json }>(read(runtime, "lookup", "types")).slice();
  const add = (type: Json): number => {
    types.push({ id: types.length, type: { path: [], params: [], docs: [], ...type } });
    return types.length - 1;
  };
  const pallets = listOf<Json>(runtime.pallets);
  const subtensor = pallets.find(({ name }) => name === "SubtensorModule");
  const storage = subtensor?.storage as { items: Json[] }; // this pallet has some
  const tempo = storage.items.find(({ name }) => name === "Tempo");
  const u64 = read(
    storage.items.find(({ name }) => name === "RevealPeriodEpochs"),
    "type",
    "map",
    "value",
  );
  const map = (name: string, value: unknown, fallback: string): Json => ({
    name,
    modifier: "Default",
    type: { map: { hashers: ["Identity"], key: read(tempo, "type", "map", "key"), value } },
    fallback,
    docs: [],
  });
  const consensus = add({
    path: ["pallet_subtensor", "EpochConsensus"],
    def: {
      variant: {
        variants: ["Yuma", "Null"].map((name, index) => ({ name, fields: [], index, docs: [] })),
      },
    },
  });
  storage.items.push(
    ...["LastEpochBlock", "PendingEpochAt", "SubnetEpochIndex"].map((name) =>
      map(name, u64, `0x${"00".repeat(8)}`),
    ),
    map("SubnetEpochConsensus", consensus, "0x00"),
  );
  addHyperparametersV3(runtime, newer, types, add);
  return metadataBytes(15, { ...runtime, lookup: { types } });
}

/** Copies the API's answer type from the newer table, with the types that it consists of. */
function addHyperparametersV3(
  runtime: Json,
  newer: Json,
  types: readonly { id: number; type: Json }[],
  add: (type: Json) => number,
): void {
  const name = "get_subnet_hyperparams_v3";
  const from = new Map(
    listOf<{ id: number; type: Json }>(read(newer, "lookup", "types")).map(({ id, type }) => [
      id,
      type,
    ]),
  );
  const known = new Map(types.map(({ id, type }) => [JSON.stringify({ ...type, docs: [] }), id]));
  const copied = new Map<number, number>();
  const copy = (id: number): number => {
    const done = copied.get(id);
    if (done !== undefined) {
      return done;
    }
    const type = translate(from.get(id)) as Json; // types hold JSON objects
    const key = JSON.stringify({ ...type, docs: [] });
    const to = known.get(key) ?? add(type);
    known.set(key, to);
    copied.set(id, to);
    return to;
  };
  // References to types stand under these names alone
  const translate = (value: unknown, key = ""): unknown => {
    if (typeof value === "number" && key === "type") {
      return copy(value);
    }
    if (Array.isArray(value)) {
      return value.map((one) => (key === "tuple" ? copy(Number(one)) : translate(one)));
    }
    if (typeof value !== "object" || value === null) {
      return value;
    }
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => [name, translate(one, name)]),
    );
  };
  const api = (metadata: Json) =>
    listOf<Json>(metadata.apis).find((one) => one.name === "SubnetInfoRuntimeApi");
  const method = listOf<Json>(api(newer)?.methods).find((one) => one.name === name);
  const own = api(runtime)?.methods as Json[]; // a list in all metadata of version 15
  const [netuid] = listOf<Json>(
    own.find((one) => one.name === "get_subnet_hyperparams_v2")?.inputs,
  );
  own.push({ name, inputs: [netuid], output: copy(Number(method?.output)), docs: [] });
}
