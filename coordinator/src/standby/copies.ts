/** Copies of the database in the log's files: what the log goes on from. */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { createZstdCompress, createZstdDecompress } from "node:zlib";
import type { StateFiles } from "@turntable/bus";
import { z } from "zod";

const manifestName = "manifest";
const copyPrefix = "copy-";

const manifestSchema = z.object({
  /** The log that it belongs to. */
  log: z.string(),
  /** It is the database as of this entry. */
  position: z.number(),
  schema: z.number(),
  name: z.string(),
  /** Of what is stored. */
  bytes: z.number(),
  sha256: z.string(),
});

/** Which copy is the newest. */
export type CopyManifest = z.infer<typeof manifestSchema>;

/** @throws QueueUnavailableError */
export async function readManifest(files: StateFiles): Promise<CopyManifest | undefined> {
  const found = await files.get(manifestName);
  if (found === undefined) {
    return undefined;
  }
  return manifestSchema.parse(JSON.parse(Buffer.concat(await all(found.read())).toString("utf8")));
}

/** Stores the database in `file` as the newest copy, and removes the ones before. */
export async function storeCopy(
  files: StateFiles,
  file: string,
  about: Pick<CopyManifest, "log" | "position" | "schema">,
  signal: AbortSignal,
): Promise<CopyManifest> {
  const name = `${copyPrefix}${about.position}-${Date.now().toString(36)}`;
  const sha256 = createHash("sha256");
  let bytes = 0;
  const compress = createZstdCompress();
  const compressed = async function* (): AsyncGenerator<Uint8Array> {
    const piping = pipeline(createReadStream(file), compress, { signal });
    piping.catch(() => undefined); // told below
    for await (const chunk of compress as AsyncIterable<Uint8Array>) {
      sha256.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
    await piping;
  };
  await files.put(name, compressed(), signal);
  const manifest = { ...about, name, bytes, sha256: sha256.digest("hex") };
  await files.put(manifestName, [Buffer.from(JSON.stringify(manifest))], signal);
  const { names } = await files.list();
  for (const other of names) {
    if (other.startsWith(copyPrefix) && other !== name) {
      await files.remove(other);
    }
  }
  return manifest;
}

/**
 * Writes the database of a copy to `file`.
 * @returns false when it is not there, or not whole
 */
export async function fetchCopy(
  files: StateFiles,
  manifest: CopyManifest,
  file: string,
  signal: AbortSignal,
): Promise<boolean> {
  const found = await files.get(manifest.name);
  if (found === undefined) {
    return false;
  }
  const sha256 = createHash("sha256");
  await rm(file, { force: true });
  await pipeline(
    async function* () {
      for await (const chunk of found.read()) {
        sha256.update(chunk);
        yield chunk;
      }
    },
    createZstdDecompress(),
    createWriteStream(file, { mode: 0o600, flush: true }),
    { signal },
  );
  return sha256.digest("hex") === manifest.sha256;
}

export async function all(chunks: AsyncIterable<Uint8Array>): Promise<readonly Uint8Array[]> {
  const found: Uint8Array[] = [];
  for await (const chunk of chunks) {
    found.push(chunk);
  }
  return found;
}
