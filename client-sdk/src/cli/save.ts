/** The end of `generate` and `download`: check where the asset came from, put it where it was asked for, say so. */
import type { Asset } from "@turntable/proto";
import type { Command } from "commander";
import type { Download } from "../download.ts";
import { type AssetOrigin, verifyAssetOrigin } from "../origin.ts";
import type { VerbContext } from "./context.ts";
import { convertAsset, isWritable } from "./convert.ts";
import { writeFileWhole } from "./output.ts";
import { formatBytes, formatScore, printable, shortHotkey } from "./text.ts";

export interface SaveFlags {
  readonly out?: string;
  readonly raw?: true;
  readonly consentFile?: string;
}

export function withSaveOptions(verb: Command): Command {
  return verb
    .option(
      "--out <FILE>",
      "where to put the asset, converted when it ends in .ply, .spz or .h5; - is standard output [TASK.FORMAT]",
    )
    .option("--raw", "keep the miner's bytes, whatever --out ends in")
    .option(
      "--consent-file <FILE>",
      "the subnet's licence consent text, which miners of 2025 sign",
    );
}

/** The signature is provably not the miner's. */
export class ForgedAssetError extends Error {
  override name = "ForgedAssetError";
  readonly code = "forged-asset";
}

/** @throws ForgedAssetError or ConversionError, and nothing is written */
export async function saveAsset(
  taskId: string,
  { asset, bytes }: Download,
  flags: SaveFlags,
  { output, json }: Pick<VerbContext, "output" | "json">,
): Promise<void> {
  const consentText = await consentTextOf(flags.consentFile);
  const origin = await verifyAssetOrigin(asset, { consentText });
  if (origin.kind === "mismatch" && consentText !== undefined) {
    throw new ForgedAssetError(
      `the signature of miner ${asset.minerHotkey} does not match; nothing was written`,
    );
  }
  const out = flags.out ?? `${taskId}.${extension(asset)}`;
  const given = /\.([a-z0-9]+)$/i.exec(out)?.[1]?.toLowerCase();
  const isOther = given !== undefined && given !== extension(asset);
  const isConverted = isOther && flags.raw !== true && isWritable(given);
  const activated = (asset.encoding?.version ?? 0) >= 1;
  const written = isConverted ? await convertAsset(bytes, given, activated) : bytes;
  if (out === "-") {
    await output.write(written);
  } else {
    await writeFileWhole(out, written);
  }

  if (isConverted) {
    output.note(`converted from ${describeEncoding(asset)}; --raw keeps the miner's bytes`);
  } else if (isOther) {
    output.note(`note: the bytes are ${describeEncoding(asset)}, whatever the name ${out} says`);
  }
  if (origin.kind === "mismatch") {
    output.note(
      "warning: the miner's signature is not of the 2024 form; --consent-file FILE checks the 2025 form too",
    );
  }
  const lines = json
    ? JSON.stringify(saveSummary(taskId, out, asset, origin))
    : [
        out === "-" ? "standard output" : out,
        formatBytes(written.length),
        isConverted ? given.toUpperCase() : describeEncoding(asset),
        `score ${formatScore(asset.score, asset.demonstration)}`,
        `miner ${shortHotkey(printable(asset.minerHotkey))}`,
        describeOrigin(origin),
      ].join("  ");
  if (out === "-") {
    output.note(lines);
  } else {
    await output.write(`${lines}\n`);
  }
}

async function consentTextOf(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) {
    return undefined;
  }
  const { loadConsentText } = await import("@turntable/bittensor/synapse");
  return loadConsentText(path);
}

function saveSummary(taskId: string, out: string, asset: Asset, origin: AssetOrigin) {
  return {
    taskId,
    out,
    sizeBytes: Number(asset.sizeBytes),
    sha256: Buffer.from(asset.sha256).toString("hex"),
    format: asset.encoding?.format ?? "",
    compression: asset.encoding?.compression ?? 0,
    score: asset.score,
    demonstration: asset.demonstration,
    prompt: asset.prompt,
    minerHotkey: asset.minerHotkey,
    validatorHotkey: asset.validatorHotkey,
    submitTimeNs: String(asset.submitTimeNs),
    signature: origin.kind,
  };
}

function describeOrigin(origin: AssetOrigin): string {
  return origin.kind === "verified"
    ? `signature verified (${origin.form} form)`
    : "signature NOT verified";
}

/** The subnet's compressions: 1 is zstd around the file, 2 an SPZ file. */
export function extension(asset: Asset): string {
  const { format = "bin", compression = 0 } = asset.encoding ?? {};
  if (compression === 2) {
    return "spz";
  }
  const name = /^[a-z0-9]+$/.test(format) ? format : "bin";
  return compression === 1 ? "zst" : name === "hdf5" ? "h5" : name;
}

function describeEncoding(asset: Asset): string {
  const { format = "unknown", compression = 0 } = asset.encoding ?? {};
  if (compression === 2) {
    return "SPZ";
  }
  return `${printable(format).toUpperCase()}${compression === 1 ? " within zstd" : ""}`;
}
