/** What a validator would say of an asset, before it is sent. */
import { AssetError, lint, readAsset } from "@turntable/splat";
import { z } from "zod";
import { assetKind } from "./packing.ts";

/**
 * What the validators' own lint finds, one line each, worst first; nothing for HDF5, which only the worker reads.
 * @throws RangeError for what is no asset, AssetError for one that cannot be read
 */
export async function selfCheck(bytes: Buffer): Promise<readonly string[]> {
  if (assetKind(bytes) === undefined) {
    throw new RangeError("the generation endpoint's answer is no PLY, SPZ or HDF5");
  }
  try {
    const findings = lint(await readAsset(bytes));
    return findings.map(({ code, severity, message }) => `${severity} ${code}: ${message}`);
  } catch (error) {
    if (error instanceof AssetError && error.code === "unknown-format") {
      return [];
    }
    throw error;
  }
}

/** An endpoint that scores an asset against its prompt; it may be any validator's own. */
export interface Scorer {
  /** 0 to 1. @throws an Error that says why there is no score */
  score(prompt: string, bytes: Buffer, signal: AbortSignal): Promise<number>;
}

const answerSchema = z.object({ score: z.number().min(0).max(1) });
/** How much of an answer that is no score is quoted, in characters. */
const maxReasonChars = 200;

/** @param url the endpoint's root, asked at the subnet's own routes, or the whole path of its own choice */
export function createScorer(url: string, timeoutMs: number): Scorer {
  return {
    async score(prompt, bytes, signal) {
      const kind = assetKind(bytes);
      const target = new URL(url);
      if (target.pathname === "/") {
        target.pathname = kind === "hdf5" ? "/validate/" : "/validate_txt_to_3d_ply/";
      }
      const body = { prompt, data: bytes.toString("base64"), compression: kind === "spz" ? 2 : 0 };
      const response = await fetch(target, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      });
      const text = await response.text();
      const answer = response.ok ? answerSchema.safeParse(parseJson(text)) : undefined;
      if (answer?.success !== true) {
        throw new Error(
          `the scoring endpoint answered ${response.status}: ${text.slice(0, maxReasonChars)}`,
        );
      }
      return answer.data.score;
    },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
