/** Prompts for many assets: one a line, read as they are needed. */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";

/** The lines of a file, or of standard input for `-`; empty ones are left out. */
export async function* promptLines(path: string, signal: AbortSignal): AsyncGenerator<string> {
  const input = path === "-" ? process.stdin : createReadStream(path);
  // Without it an error before the first line would have no listener.
  const failed = new Promise<never>((_resolve, reject) => input.once("error", reject));
  failed.catch(() => undefined);
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY, signal });
  const iterator = lines[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), failed]);
      if (next.done) {
        return;
      }
      if (next.value.trim() !== "") {
        yield next.value.trim();
      }
    }
  } finally {
    lines.close();
    input.destroy();
  }
}

export async function* repeated(
  prompts: Iterable<string> | AsyncIterable<string>,
  count: number,
): AsyncGenerator<string> {
  for await (const prompt of prompts) {
    for (let i = 0; i < count; i++) {
      yield prompt;
    }
  }
}
