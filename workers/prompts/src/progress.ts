/** A bar for people who wait: redrawn on a terminal, a line now and then elsewhere. */
import type { WriteStream } from "node:tty";

export interface Progress extends Disposable {
  /** @param done of what was given as `total` */
  at(done: number): void;
}

const barChars = 30;
const everyMs = { terminal: 100, file: 5_000 };

export function createProgress(
  stream: Pick<WriteStream, "write"> & { readonly isTTY?: boolean },
  total: number,
  now: () => number = () => performance.now(),
): Progress {
  const startedAt = now();
  const isTerminal = stream.isTTY ?? false;
  const pauseMs = isTerminal ? everyMs.terminal : everyMs.file;
  let [last, shownAt] = [0, startedAt];
  const show = (): void => {
    const share = total === 0 ? 1 : Math.min(1, last / total);
    const filled = Math.round(share * barChars);
    const bar = `${"█".repeat(filled)}${"░".repeat(barChars - filled)}`;
    const elapsedS = (now() - startedAt) / 1000;
    const leftS = share === 0 ? Number.NaN : (elapsedS / share) * (1 - share);
    const left = Number.isFinite(leftS) ? `, ${Math.ceil(leftS)} s left` : "";
    const text = `${bar} ${(100 * share).toFixed(0)} %${left}`;
    stream.write(isTerminal ? `\r${text}\u001b[K` : `${text}\n`);
  };
  return {
    at(done) {
      last = done;
      if (now() - shownAt >= pauseMs) {
        shownAt = now();
        show();
      }
    },
    [Symbol.dispose]() {
      show();
      if (isTerminal) {
        stream.write("\n");
      }
    },
  };
}
