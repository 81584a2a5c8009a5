/**
 * Fetches a model's files from a hub.
 *
 * P1 A file gets its name only when all of it is there and its checksum is right; until then it is `NAME.part`, from
 *    which the next try goes on if the hub still has the same file (its ETag says so).
 * P2 What the manifest does not know the checksum of is pinned when it first arrives, in `pins.json`: another content
 *    under the same name is refused later.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import type { KnownModel } from "./known.ts";

/** What could not be fetched, why, and what to do. */
export class PullError extends Error {
  override name = "PullError";
  readonly code: "unreachable" | "refused" | "interrupted" | "checksum";
  constructor(code: PullError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export interface PullOptions {
  /** Address of the hub; files are at `HUB/REPOSITORY/resolve/REVISION/FILE`. */
  readonly hub: string;
  readonly directory: string;
  /** @param total undefined when the hub does not say it */
  readonly onProgress?: (file: string, doneBytes: number, total: number | undefined) => void;
  readonly signal?: AbortSignal;
}

const pinsSchema = z.record(z.string(), z.string());

/** Fetches what is not there yet. @throws PullError */
export async function pullModel(model: KnownModel, options: PullOptions): Promise<void> {
  const pinsFile = join(options.directory, "pins.json");
  const pins = { ...(await readPins(pinsFile)), ...model.sha256 };
  for (const file of model.files) {
    const target = join(options.directory, file);
    await mkdir(dirname(target), { recursive: true });
    const pin = pins[file];
    if (pin !== undefined && (await isFile(target)) && (await hashOf(target)) === pin) {
      continue;
    }
    const part = `${target}.part`;
    await fetchFile(model, file, part, options);
    const sha256 = await hashOf(part);
    if (pin !== undefined && sha256 !== pin) {
      await rm(part);
      throw new PullError(
        "checksum",
        `${file} has the SHA-256 ${sha256}, but ${pin} is pinned: the hub has another file now; ` +
          `remove ${pinsFile} if that is meant to be`,
      );
    }
    pins[file] = sha256;
    await writeFile(pinsFile, `${JSON.stringify(pins, undefined, 2)}\n`);
    await rename(part, target); // P1
    await rm(`${part}.etag`, { force: true });
  }
}

async function fetchFile(
  { repository, revision }: KnownModel,
  file: string,
  part: string,
  { hub, onProgress, signal }: PullOptions,
): Promise<void> {
  const url = `${hub.replace(/\/+$/, "")}/${repository}/resolve/${revision}/${file}`;
  const etag = await readFile(`${part}.etag`, "utf8").catch(() => undefined);
  const have = etag !== undefined && (await isFile(part)) ? (await stat(part)).size : 0;
  const headers: Record<string, string> =
    have > 0 && etag !== undefined ? { range: `bytes=${have}-`, "if-range": etag } : {};
  let response: Response;
  try {
    response = await fetch(url, { headers, ...(signal === undefined ? {} : { signal }) });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new PullError(
      "unreachable",
      `cannot reach ${url} (${reasonOf(cause)}); check the network, name another hub with --hub, ` +
        "or copy the files there by hand",
      { cause },
    );
  }
  // All of it was there already, only not yet named.
  if (response.status === 416 && response.headers.get("content-range") === `bytes */${have}`) {
    return;
  }
  if (!response.ok || response.body === null) {
    throw new PullError("refused", `${url} answered ${response.status} ${response.statusText}`);
  }
  const isRest = response.status === 206;
  const newEtag = response.headers.get("etag");
  if (newEtag === null || newEtag.startsWith("W/")) {
    await rm(`${part}.etag`, { force: true });
  } else {
    await writeFile(`${part}.etag`, newEtag);
  }
  const length = Number(response.headers.get("content-length") ?? Number.NaN);
  let done = isRest ? have : 0;
  const total = Number.isNaN(length) ? undefined : done + length;
  try {
    await using target = await open(part, isRest ? "a" : "w");
    for await (const chunk of response.body) {
      await target.writeFile(chunk);
      done += chunk.length;
      onProgress?.(file, done, total);
    }
  } catch (cause) {
    signal?.throwIfAborted();
    throw new PullError(
      "interrupted",
      `${url} broke off after ${done} bytes (${reasonOf(cause)}); the same command goes on from there`,
      { cause },
    );
  }
}

async function readPins(file: string): Promise<Record<string, string>> {
  if (!(await isFile(file))) {
    return {};
  }
  return pinsSchema.parse(JSON.parse(await readFile(file, "utf8")));
}

async function isFile(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) {
    hash.update(chunk);
  }
  return hash.digest("hex");
}

/** fetch says "fetch failed" and keeps the reason behind it. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  return error.cause instanceof Error ? error.cause.message || error.cause.name : error.message;
}
