/**
 * SCALE encoding straight from a runtime's type table, so that what the local node serves does not come from the library
 * that reads it. Values are plain JavaScript; what a struct's value leaves out is zero.
 */
import { Metadata, TypeRegistry } from "@polkadot/types";
import { publicKeyOf } from "../../keys/index.ts";

/** One type of the table, as the metadata's JSON has it. */
export interface TypeDef {
  readonly path: readonly string[];
  readonly def: Readonly<Record<string, unknown>>;
}

export interface StorageEntry {
  readonly pallet: string;
  readonly name: string;
  readonly hashers: readonly string[];
  /** Types of the key's parts. */
  readonly keys: readonly number[];
  readonly value: number;
}

export interface Runtime {
  readonly registry: TypeRegistry;
  readonly types: ReadonlyMap<number, TypeDef>;
  readonly storage: readonly StorageEntry[];
  /** Type of a runtime API's answer by `Api_method`; empty for V14. */
  readonly apis: ReadonlyMap<string, number>;
  readonly pallets: ReadonlyMap<
    string,
    {
      readonly index: number;
      readonly events: number | undefined;
      readonly errors: number | undefined;
    }
  >;
  /** Names of the signed extensions, in order. */
  readonly extensions: readonly string[];
}

export type Json = Readonly<Record<string, unknown>>;

export function loadRuntime(metadata: Uint8Array): Runtime {
  const registry = new TypeRegistry();
  const decoded = new Metadata(registry, `0x${Buffer.from(metadata).toString("hex")}`);
  const none = { extrinsic: {}, payload: {} };
  registry.setMetadata(
    decoded,
    undefined,
    Object.fromEntries(effectless.map((name) => [name, none])),
  );
  const latest = decoded.asLatest.toJSON() as unknown as Json; // the library's own JSON of metadata
  const types = new Map<number, TypeDef>();
  for (const { id, type } of listOf<{ id: number; type: TypeDef }>(
    read(latest, "lookup", "types"),
  )) {
    types.set(id, type);
  }
  const storage: StorageEntry[] = [];
  const pallets = new Map<
    string,
    { index: number; events: number | undefined; errors: number | undefined }
  >();
  for (const pallet of listOf<Json>(latest.pallets)) {
    const name = String(pallet.name);
    pallets.set(name, {
      index: Number(pallet.index),
      events: optionalNumber(read(pallet, "events", "type")),
      errors: optionalNumber(read(pallet, "errors", "type")),
    });
    for (const item of listOf<Json>(read(pallet, "storage", "items"))) {
      const plain = read(item, "type", "plain");
      const map = read(item, "type", "map") as Json | undefined;
      if (map === undefined) {
        storage.push({
          pallet: name,
          name: String(item.name),
          hashers: [],
          keys: [],
          value: Number(plain),
        });
        continue;
      }
      const hashers = listOf<string>(map.hashers);
      const key = Number(map.key);
      const tuple = types.get(key)?.def.tuple;
      storage.push({
        pallet: name,
        name: String(item.name),
        hashers,
        keys: hashers.length === 1 ? [key] : listOf<number>(tuple),
        value: Number(map.value),
      });
    }
  }
  const apis = new Map<string, number>();
  for (const api of listOf<Json>(latest.apis)) {
    for (const method of listOf<Json>(api.methods)) {
      apis.set(`${String(api.name)}_${String(method.name)}`, Number(method.output));
    }
  }
  return { registry, types, storage, apis, pallets, extensions: registry.signedExtensions };
}

/** Extensions of the real runtimes that add nothing to what is signed. */
const effectless = [
  "SubtensorTransactionExtension",
  "SubtensorSignedExtension",
  "CommitmentsSignedExtension",
  "DrandPriority",
  "SudoTransactionExtension",
  "CheckShieldedTxValidity",
];

/** For an Option: there, but zero. */
export const someZero = Symbol("some zero");

export function encode(runtime: Pick<Runtime, "types">, type: number, value: unknown): Uint8Array {
  const found = runtime.types.get(type);
  if (found === undefined) {
    throw new RangeError(`the metadata has no type ${type}`);
  }
  const { def, path } = found;
  const part = (inner: unknown, given: unknown): Uint8Array =>
    encode(runtime, Number(inner), given);
  if ("primitive" in def) {
    return encodePrimitive(String(def.primitive), value);
  }
  if ("compact" in def) {
    return compact(BigInt(Number.isNaN(value) ? 0 : ((value ?? 0) as bigint)));
  }
  if ("sequence" in def) {
    const items = value instanceof Uint8Array ? Array.from(value) : listOf<unknown>(value);
    return Buffer.concat([
      compact(BigInt(items.length)),
      ...items.map((item) => part(read(def, "sequence", "type"), item)),
    ]);
  }
  if ("array" in def) {
    const { len, type: inner } = def.array as { len: number; type: number };
    const items =
      accountBytes(value) ?? (value instanceof Uint8Array ? value : listOf<unknown>(value));
    return Buffer.concat(
      Array.from({ length: len }, (_, index) => part(inner, (items as readonly unknown[])[index])),
    );
  }
  if ("tuple" in def) {
    return Buffer.concat(
      listOf<number>(def.tuple).map((inner, index) =>
        part(inner, (value as readonly unknown[] | undefined)?.[index]),
      ),
    );
  }
  if ("composite" in def) {
    const fields = listOf<{ name: string | null; type: number }>(read(def, "composite", "fields"));
    // A wrapper around one value, such as AccountId32 or a number with a name
    const [only] = fields;
    if (fields.length === 1 && only !== undefined && (only.name === null || !isRecord(value))) {
      return part(only.type, value);
    }
    return Buffer.concat(
      fields.map((field) =>
        part(field.type, isRecord(value) ? value[field.name ?? ""] : undefined),
      ),
    );
  }
  if ("variant" in def) {
    const variants = listOf<Variant>(read(def, "variant", "variants"));
    if (path.at(-1) === "Option") {
      const some = variants.find(({ name }) => name === "Some");
      if (value === undefined || value === null || some === undefined) {
        return Uint8Array.of(0);
      }
      if (value === someZero) {
        return Buffer.concat([Uint8Array.of(1), part(some.fields[0]?.type, undefined)]);
      }
      return Buffer.concat([Uint8Array.of(1), part(some.fields[0]?.type, value)]);
    }
    const [name, fields] = isRecord(value) ? (Object.entries(value)[0] ?? []) : [value, []];
    const variant = name === undefined ? variants[0] : variants.find((one) => one.name === name);
    if (variant === undefined) {
      throw new RangeError(`no variant ${String(name)} in ${path.join("::")}`);
    }
    return Buffer.concat([
      Uint8Array.of(variant.index),
      ...variant.fields.map((field, index) =>
        part(
          field.type,
          Array.isArray(fields)
            ? fields[index]
            : isRecord(fields)
              ? fields[field.name ?? ""]
              : undefined,
        ),
      ),
    ]);
  }
  if ("bitSequence" in def) {
    return compact(0n);
  }
  throw new RangeError(`a type of this kind can't be encoded: ${Object.keys(def).join(", ")}`);
}

/** Variants of an enum type, such as a pallet's events or errors. */
export function variantsOf(runtime: Runtime, type: number | undefined): readonly Variant[] {
  const def = type === undefined ? undefined : runtime.types.get(type)?.def;
  return listOf<Variant>(read(def ?? {}, "variant", "variants"));
}

export interface Variant {
  readonly name: string;
  readonly index: number;
  readonly fields: readonly { readonly name: string | null; readonly type: number }[];
}

export function compact(value: bigint): Uint8Array {
  if (value < 1n << 6n) {
    return Uint8Array.of(Number(value << 2n));
  }
  if (value < 1n << 14n) {
    return littleEndian((value << 2n) | 1n, 2);
  }
  if (value < 1n << 30n) {
    return littleEndian((value << 2n) | 2n, 4);
  }
  let length = 4;
  while (value >> BigInt(8 * length) > 0n) {
    length += 1;
  }
  return Buffer.concat([Uint8Array.of(((length - 4) << 2) | 3), littleEndian(value, length)]);
}

export function littleEndian(value: bigint, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => Number((value >> BigInt(8 * index)) & 0xffn));
}

/** Opaque bytes with their length in front. */
export function byteVector(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([compact(BigInt(bytes.length)), bytes]);
}

const widths: Readonly<Record<string, number>> = {
  u8: 1,
  u16: 2,
  u32: 4,
  u64: 8,
  u128: 16,
  u256: 32,
  i8: 1,
  i16: 2,
  i32: 4,
  i64: 8,
  i128: 16,
  i256: 32,
};

function encodePrimitive(name: string, value: unknown): Uint8Array {
  const kind = name.toLowerCase();
  if (kind === "bool") {
    return Uint8Array.of(value === true ? 1 : 0);
  }
  if (kind === "str") {
    return byteVector(Buffer.from(String(value ?? "")));
  }
  if (kind === "char") {
    return littleEndian(0n, 4);
  }
  const width = widths[kind];
  if (width === undefined) {
    throw new RangeError(`no primitive ${name}`);
  }
  return littleEndian(BigInt((value as bigint | number | undefined) ?? 0), width);
}

function accountBytes(value: unknown): Uint8Array | undefined {
  return typeof value === "string" ? publicKeyOf(value) : undefined;
}

function isRecord(value: unknown): value is Json {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array)
  );
}

export function read(from: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((at, key) => (isRecord(at) ? at[key] : undefined), from);
}

/** Metadata is trusted here: its lists are lists of what the metadata says. */
export function listOf<T>(value: unknown): readonly T[] {
  return Array.isArray(value) ? (value as readonly T[]) : [];
}

function optionalNumber(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
