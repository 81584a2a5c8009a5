/** The terminal, or whatever stands in for it: results go to standard output, everything else to standard error. */
import { rename, rm, writeFile } from "node:fs/promises";
import { formatDuration } from "./text.ts";

export interface Output {
  /** A result; resolves when it was taken. */
  write(text: string | Uint8Array): Promise<void>;
  /** A line for people, beside the result. */
  note(line: string): void;
  /** Shows what is going on: one line that changes on a terminal, a line a change elsewhere. */
  progress(text: string): void;
  /** Ends the changing line. */
  endProgress(): void;
}

const tickMs = 1_000;
/** Also of terminals that say 0. */
const defaultColumns = 80;

export function createOutput(
  stdout: NodeJS.WritableStream,
  stderr: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number },
): Output {
  const startedAt = performance.now();
  let current: string | undefined;
  let ticker: NodeJS.Timeout | undefined;
  const draw = (): void => {
    const elapsed = formatDuration(performance.now() - startedAt);
    const width = Math.max(20, (stderr.columns || defaultColumns) - 1);
    stderr.write(`\r\x1b[K${`${current} (${elapsed})`.slice(0, width)}`);
  };
  const clear = (): void => {
    clearInterval(ticker);
    ticker = undefined;
    if (current !== undefined && stderr.isTTY) {
      stderr.write("\r\x1b[K");
    }
    current = undefined;
  };
  return {
    write: (text) =>
      new Promise((resolve, reject) => {
        clear();
        stdout.write(text, (error) => (error ? reject(error) : resolve()));
      }),
    note(line) {
      clear();
      stderr.write(`${line}\n`);
    },
    progress(text) {
      if (text === current) {
        return;
      }
      if (!stderr.isTTY) {
        current = text;
        stderr.write(`${text}\n`);
        return;
      }
      current = text;
      ticker ??= setInterval(draw, tickMs);
      draw();
    },
    endProgress: clear,
  };
}

/** Writes a file whole or not at all: beside its place first, then renamed. */
export async function writeFileWhole(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.${process.pid}.part`;
  try {
    await writeFile(temporary, bytes);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
