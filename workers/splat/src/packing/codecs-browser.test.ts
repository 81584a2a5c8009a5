/** What unpacks in browsers, beside Node's own, on what Node packs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as zlib from "node:zlib";
import { createRandom } from "../../test/shapes.ts";
import { AssetError } from "../splat.ts";
import * as node from "./codecs.ts";
import * as browser from "./codecs-browser.ts";

/** One stands in the other's place. */
const codecs: readonly (readonly [string, typeof node])[] = [
  ["node", node],
  ["browser", browser],
];

const random = createRandom(5);
/** What repeats itself, and what does not; more than a window of zlib and more than a block of zstd. */
const text = Uint8Array.from({ length: 150_000 }, (_, i) => ((i * 7) % 251) ^ (i >> 12));
const noise = Uint8Array.from({ length: 150_000 }, () => Math.floor(random() * 256));
const contents = [new Uint8Array(0), text.subarray(0, 1), text.subarray(0, 39), text, noise];

const zstdParams = {
  plain: {},
  strong: { [zlib.constants.ZSTD_c_compressionLevel]: 19 },
  checked: { [zlib.constants.ZSTD_c_checksumFlag]: 1 },
  "without its size": { [zlib.constants.ZSTD_c_contentSizeFlag]: 0 },
};

interface Outcome {
  readonly content?: Uint8Array;
  readonly length?: number;
  readonly code?: string;
}

async function outcomeOf(parts: AsyncGenerator<Uint8Array, number>): Promise<Outcome> {
  const found: Uint8Array[] = [];
  try {
    let next = await parts.next();
    for (; next.done !== true; next = await parts.next()) {
      found.push(next.value);
    }
    return { content: new Uint8Array(Buffer.concat(found)), length: next.value };
  } catch (error) {
    assert.ok(error instanceof AssetError, String(error));
    return { code: error.code };
  }
}

async function assertAlike(
  what: string,
  read: (codec: typeof node) => AsyncGenerator<Uint8Array, number>,
): Promise<Outcome> {
  const [expected, actual] = await Promise.all(codecs.map(([, codec]) => outcomeOf(read(codec))));
  assert.deepEqual(actual, expected, what);
  return expected ?? {};
}

for (const [name, params] of Object.entries(zstdParams)) {
  test(`zstd frames, ${name}, unpack as on Node, whole and cut`, async () => {
    for (const content of contents) {
      const packed = zlib.zstdCompressSync(content, { params });
      const followed = Buffer.concat([packed, Buffer.from("what follows")]);
      const { length } = await assertAlike(`${content.length}`, (codec) =>
        codec.unpackZstdFrame(followed),
      );
      assert.equal(length, packed.length);
      for (const end of [4, 5, 8, packed.length >> 1, packed.length - 1]) {
        const cut = packed.subarray(0, Math.min(end, packed.length - 1));
        assert.equal((await outcomeOf(browser.unpackZstdFrame(cut))).code, "truncated");
      }
    }
  });
}

test("deflate streams unpack as on Node, whole and cut", async () => {
  for (const content of contents) {
    for (const level of [0, 1, 9]) {
      const packed = zlib.deflateRawSync(content, { level });
      const followed = Buffer.concat([packed, Buffer.from("what follows")]);
      const { length } = await assertAlike(`${content.length}`, (codec) =>
        codec.unpackDeflate(followed),
      );
      assert.equal(length, packed.length);
      for (const end of [0, 1, packed.length >> 1, packed.length - 1]) {
        await assertAlike(`${end} of ${packed.length}`, (codec) =>
          codec.unpackDeflate(packed.subarray(0, end)),
        );
      }
    }
  }
});

test("a frame that was changed is refused by its checksum, or unpacks to the same", async () => {
  const params = { [zlib.constants.ZSTD_c_checksumFlag]: 1 };
  for (const content of [text.subarray(0, 9_000), noise.subarray(0, 9_000)]) {
    const packed = zlib.zstdCompressSync(content, { params });
    for (let at = 5; at < packed.length; at += Math.ceil(packed.length / 40)) {
      const changed = Uint8Array.from(packed);
      changed[at] = (changed[at] ?? 0) ^ 0x10;
      const { code, content: found } = await outcomeOf(browser.unpackZstdFrame(changed));
      assert.deepEqual(found, code === undefined ? content : undefined, `byte ${at}`);
    }
  }
});

test("a frame that asks for more memory than zstd gives is refused", async () => {
  const hungry = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, (18 << 3) | 1, 1, 0, 0);
  await assertAlike("window", (codec) => codec.unpackZstdFrame(hungry));
  assert.equal((await outcomeOf(browser.unpackZstdFrame(hungry))).code, "malformed");
});

test("a bomb comes in parts: who stops early has unpacked little", async () => {
  const bomb = zlib.zstdCompressSync(Buffer.alloc(16 << 20));
  const gas = zlib.deflateRawSync(Buffer.alloc(16 << 20));
  for (const parts of [browser.unpackZstdFrame(bomb), browser.unpackDeflate(gas)]) {
    let size = 0;
    for await (const part of parts) {
      size += part.length;
      if (size > 1 << 20) {
        break;
      }
    }
    assert.ok(size < 3 << 20, `${size} bytes`);
  }
});

type Unpack = (bytes: Uint8Array, size: number) => Uint8Array;

/** What unpacks on Node and in browsers, and what packs for both. */
const exact: Readonly<
  Record<string, readonly [Unpack, Unpack, (bytes: Uint8Array) => Uint8Array]>
> = {
  zstd: [node.unzstdOf, browser.unzstdOf, (bytes) => zlib.zstdCompressSync(bytes)],
  deflate: [node.inflateOf, browser.inflateOf, (bytes) => zlib.deflateRawSync(bytes)],
  zlib: [node.inflateZlibOf, browser.inflateZlibOf, (bytes) => zlib.deflateSync(bytes)],
};

for (const [name, [onNode, inBrowser, pack]] of Object.entries(exact)) {
  test(`${name} of a known length gives that or an error, as on Node`, () => {
    const packed = pack(text);
    const codeOf = (unpack: Unpack, bytes: Uint8Array, size: number): string => {
      try {
        return `${unpack(bytes, size).length} bytes`;
      } catch (error) {
        assert.ok(error instanceof AssetError, String(error));
        return error.code;
      }
    };
    assert.deepEqual(inBrowser(packed, text.length), text);
    assert.equal(inBrowser(packed, 0).length, 0);
    for (const [bytes, size] of [
      [packed, text.length],
      [packed, text.length - 1],
      [packed, text.length + 1],
      [packed.subarray(0, packed.length >> 1), text.length],
    ] as const) {
      assert.equal(codeOf(inBrowser, bytes, size), codeOf(onNode, bytes, size), `${size}`);
    }
  });
}

test("zlib's checksum is looked at", () => {
  const packed = Uint8Array.from(zlib.deflateSync(text));
  packed[packed.length - 1] = (packed.at(-1) ?? 0) ^ 1;
  for (const [name, codec] of codecs) {
    assert.throws(
      () => codec.inflateZlibOf(packed, text.length),
      (error) => error instanceof AssetError && error.code === "malformed",
      name,
    );
  }
});

test("sums are those of Node, in one piece and in two", () => {
  const half = text.length >> 1;
  assert.equal(browser.crc32(text), zlib.crc32(text));
  assert.equal(
    browser.crc32(text.subarray(half), browser.crc32(text.subarray(0, half))),
    zlib.crc32(text),
  );
  assert.deepEqual(new Uint8Array(zlib.gunzipSync(browser.gzip(text))), text);
});
