/** Records with lists have no fixed length: what comes behind them is found by walking over them. */

import { AssetError } from "../splat.ts";
import { type PlyEncoding, type PlyType, plyTypes } from "./types.ts";
import { wordsOf } from "./words.ts";

/** A mesh beside a million splats has fewer; walking takes time. */
const mostRecords = 4_000_000;

/** A list has a type for its length as well. */
export interface ListedProperty {
  readonly lengthType?: PlyType;
  readonly type: PlyType;
}

/**
 * @param start of the first record, in bytes of the file (binary) or values behind the header (ascii)
 * @returns the length of all `count` records, in the same unit
 * @throws AssetError
 */
export function lengthOfRecords(
  file: { readonly bytes: Uint8Array; readonly dataOffset: number; readonly encoding: PlyEncoding },
  start: number,
  count: number,
  properties: readonly ListedProperty[],
): number {
  if (count > mostRecords) {
    throw new AssetError(
      "too-large",
      `${count} records with lists; at most ${mostRecords} are read`,
    );
  }
  const walk = file.encoding === "ascii" ? asciiWalk(file) : binaryWalk(file);
  let at = start;
  for (let i = 0; i < count; i++) {
    for (const { lengthType, type } of properties) {
      if (lengthType === undefined) {
        at += walk.size(type);
      } else {
        const length = walk.read(lengthType, at);
        if (!(length >= 0 && Number.isInteger(length))) {
          throw new AssetError("malformed", `a list of the PLY has ${length} entries`);
        }
        at += walk.size(lengthType) + length * walk.size(type);
      }
    }
    walk.check(at);
  }
  return at - start;
}

interface Walk {
  readonly size: (type: PlyType) => number;
  readonly read: (type: PlyType, at: number) => number;
  /** @throws AssetError `truncated` when `at` is behind the end */
  readonly check: (at: number) => void;
}

type File = Parameters<typeof lengthOfRecords>[0];

function binaryWalk({ bytes, dataOffset, encoding }: File): Walk {
  const view = new DataView(bytes.buffer, bytes.byteOffset + dataOffset, bytes.length - dataOffset);
  const check = (at: number): void => {
    if (at > view.byteLength) {
      throw cutShort();
    }
  };
  return {
    size: (type) => plyTypes[type].bytes,
    read: (type, at) => {
      check(at + plyTypes[type].bytes);
      return plyTypes[type].read(view, at, encoding === "binary_little_endian");
    },
    check,
  };
}

function asciiWalk({ bytes, dataOffset }: File): Walk {
  const words = wordsOf(bytes, dataOffset);
  let next = 0;
  return {
    size: () => 1,
    // Places only grow.
    read: (_, at) => {
      const value = words.skip(at - next) ? words.number() : undefined;
      if (value === undefined) {
        throw cutShort();
      }
      next = at + 1;
      return value;
    },
    // Lists that are cut off are found where something is read behind them.
    check: () => undefined,
  };
}

function cutShort(): AssetError {
  return new AssetError("truncated", "the PLY ends within a list");
}
