/** Metadata as JSON, to be changed, and back to bytes; both ways lose nothing. */
import { createTypeUnsafe, Metadata, TypeRegistry } from "@polkadot/types";
import { type Json, listOf, read } from "./scale.ts";

/** The content of metadata of version 14, 15 or 16. @throws Error when the bytes are no metadata */
export function metadataJson(bytes: Uint8Array): Json {
  const decoded = new Metadata(new TypeRegistry(), `0x${Buffer.from(bytes).toString("hex")}`);
  const { version } = decoded;
  const exact = version === 14 ? decoded.asV14 : version === 15 ? decoded.asV15 : decoded.asV16;
  return exact.toJSON() as Json; // the library's own JSON of metadata
}

/** The bytes of metadata with that content, the magic word and the version in front. */
export function metadataBytes(version: 14 | 15, content: Json): Uint8Array {
  const body = createTypeUnsafe(new TypeRegistry(), `MetadataV${version}`, [content]).toU8a();
  return Buffer.concat([Buffer.from("meta"), Uint8Array.of(version), body]);
}

/** The same runtime with all numbers of the subnets' errors moved, as an upgrade of the real one does it. V15 alone. */
export function moveErrors(metadata: Uint8Array, by: number): Uint8Array {
  const json = metadataJson(metadata);
  const pallet = listOf<Json>(json.pallets).find(({ name }) => name === "SubtensorModule");
  const types = listOf<{ id: number; type: unknown }>(read(json, "lookup", "types"));
  const errors = types.find(({ id }) => id === read(pallet, "errors", "type"))?.type;
  for (const variant of listOf<{ index: number }>(read(errors, "def", "variant", "variants"))) {
    variant.index += by;
  }
  return metadataBytes(15, json);
}
