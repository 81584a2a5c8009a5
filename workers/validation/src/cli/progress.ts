/** A line on standard error that counts up; silent where nobody watches. */
export interface Progress extends Disposable {
  step(): void;
}

export function progress(what: string, total: number): Progress {
  const isWatched = process.stderr.isTTY;
  let done = 0;
  const show = (): void => {
    if (isWatched) {
      process.stderr.write(`\r${what} ${done} of ${total}`);
    }
  };
  show();
  return {
    step() {
      done += 1;
      show();
    },
    [Symbol.dispose]() {
      if (isWatched) {
        process.stderr.write("\n");
      }
    },
  };
}
