/** The miner's side of the generation endpoint: `POST /generate/`, a form in, base64 text out. */

export type Generation =
  | {
      readonly kind: "made";
      readonly base64: string;
      readonly sizeBytes: number;
      /** As the subnet names it: `ply`, `spz`, `hdf5`. */
      readonly format: string;
      /** The subnet's `compression`: 0 none, 1 zstd around the file, 2 SPZ. */
      readonly compression: number;
    }
  | { readonly kind: "failed"; readonly reason: string };

export interface GenerationLimits {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Larger answers are given up; base64 characters. Validators take 128 MiB. */
const maxAnswerChars = 120 * 1024 * 1024;

/** A failure of the endpoint is a value; only the caller's own signal throws. */
export async function requestGeneration(
  url: string,
  prompt: string,
  { timeoutMs, signal }: GenerationLimits,
): Promise<Generation> {
  const patience = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(new URL("/generate/", url), {
      method: "POST",
      body: new URLSearchParams({ prompt }),
      signal: AbortSignal.any([signal, patience]),
    });
    const text = await readText(response);
    if (!response.ok) {
      return failed(`the generation endpoint answered ${response.status}: ${text.slice(0, 200)}`);
    }
    return describe(text.trim());
  } catch (error) {
    signal.throwIfAborted();
    if (patience.aborted) return failed(`not generated within ${Math.round(timeoutMs / 1000)} s`);
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return failed(
      `the generation endpoint ${url} failed: ${cause instanceof Error ? cause.message : String(cause)}`,
    );
  }
}

async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > maxAnswerChars) {
      throw new RangeError(`its answer is longer than ${maxAnswerChars} characters`);
    }
  }
  return text + decoder.decode();
}

/** Looks at the first bytes, so that what is declared is what is sent. */
function describe(base64: string): Generation {
  if (base64 === "" || base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) {
    return failed("the generation endpoint's answer is not base64");
  }
  const start = Buffer.from(base64.slice(0, 16), "base64").toString("latin1");
  const padding = base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0;
  const sizeBytes = (base64.length / 4) * 3 - padding;
  const made = { kind: "made", base64, sizeBytes } as const;
  if (start.startsWith("ply")) return { ...made, format: "ply", compression: 0 };
  if (start.startsWith("\x89HDF")) return { ...made, format: "hdf5", compression: 0 };
  // gzip, or a zstd frame: what SPZ files are.
  if (start.startsWith("\x1f\x8b") || start.startsWith("\x28\xb5\x2f\xfd")) {
    return { ...made, format: "spz", compression: 2 };
  }
  return failed("the generation endpoint's answer is no PLY, SPZ or HDF5");
}

function failed(reason: string): Generation {
  return { kind: "failed", reason };
}
