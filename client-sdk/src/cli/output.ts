/** The terminal, or whatever stands in for it: results go to standard output, everything else to standard error. */
import { rename, rm, writeFile } from "node:fs/promises";
import { formatDuration } from "./text.ts";

export interface Output {
  /** A result; resolves when it was taken. */
  write(text: string | Uint8Array): Promise<void>;
  /** A line for people, beside the result. */
  note(line: string): void;
  /**
   * Shows what is going on: one line that changes on a terminal, with a bar where it is known how far it is (0 to 1); a
   * line a change of the text elsewhere.
   */
  progress(text: string, fraction?: number): void;
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
  let shown: number | undefined;
  let ticker: NodeJS.Timeout | undefined;
  const draw = (): void => {
    const elapsed = formatDuration(performance.now() - startedAt);
    const width = Math.max(20, (stderr.columns || defaultColumns) - 1);
    const bar = shown === undefined ? "" : ` ${barOf(shown)}`;
    stderr.write(`\r\x1b[K${`${current}${bar} (${elapsed})`.slice(0, width)}`);
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
    progress(text, fraction) {
      const percent = fraction === undefined ? undefined : Math.floor(fraction * 100);
      if (text === current && (percent === shown || !stderr.isTTY)) {
        return;
      }
      current = text;
      shown = percent;
      if (!stderr.isTTY) {
        stderr.write(`${text}\n`);
        return;
      }
      ticker ??= setInterval(draw, tickMs);
      draw();
    },
    endProgress: clear,
  };
}

const barCells = 20;

/** `[██████████          ] 50 %` */
function barOf(percent: number): string {
  const full = Math.min(barCells, Math.round((percent / 100) * barCells));
  return `[${"█".repeat(full)}${" ".repeat(barCells - full)}] ${percent} %`;
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
