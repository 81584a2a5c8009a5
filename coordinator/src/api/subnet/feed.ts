/**
 * One picture of something that changes, for many who watch it: it is looked at about once a second for all of them
 * together, not at all while nobody watches, and each is sent what has changed since its last message.
 *
 * W1 However slow a watcher takes its messages, it holds one: what it has missed comes with the next.
 * W2 A message is made once for all watchers that have seen the same.
 */
import { exhausted } from "../errors.ts";

export interface FeedOptions<Parts extends object> {
  /** Looks; each part is a value of its own. */
  readonly take: () => Promise<Parts>;
  /** Whether a part is as before. */
  readonly isSame: (before: Parts[keyof Parts], now: Parts[keyof Parts]) => boolean;
  /** Between two looks, in ms. */
  readonly everyMs: number;
  readonly maxWatchers: number;
  /** A look failed; the next one comes as usual. */
  readonly onTrouble: (error: unknown) => void;
}

/** Disposing it ends nothing: watches end with their signals. */
export interface Feed<Parts extends object> {
  /** As of the last look when that was just now, else as of a new one. */
  current(): Promise<Parts>;
  /**
   * Everything, then what changes, until `signal` is aborted.
   * @throws RpcError RESOURCE_EXHAUSTED when there are too many watchers
   */
  watch(signal: AbortSignal): AsyncIterable<Partial<Parts>>;
  /** Looks now, as happens by itself while somebody watches. */
  look(): Promise<void>;
}

/** When a watcher too many is told to come back, in ms. */
const fullRetryMs = 10_000;

interface Versioned {
  readonly value: unknown;
  /** The number of the look that found it. */
  readonly version: number;
}

export function createFeed<Parts extends object>(options: FeedOptions<Parts>): Feed<Parts> {
  const { everyMs, maxWatchers } = options;
  let parts: ReadonlyMap<keyof Parts, Versioned> = new Map();
  let version = 0;
  let takenAt = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> | undefined;
  let watchers = 0;
  let timer: NodeJS.Timeout | undefined;
  /** Messages of this version, by the version that their watchers have seen (W2). */
  let made = new Map<number, Partial<Parts>>();
  /** Each wakes a watcher. */
  const waiting = new Set<() => void>();

  const look = async (): Promise<void> => {
    const found = await options.take();
    takenAt = performance.now();
    const next = version + 1;
    // The keys of what `take` gives are those of its type.
    const names = Object.keys(found) as (keyof Parts)[];
    const entries = names.map((name): [keyof Parts, Versioned] => {
      const before = parts.get(name);
      const value = found[name];
      // What is in `parts` came from `take`, by the same name.
      const isSame =
        before !== undefined && options.isSame(before.value as Parts[keyof Parts], value);
      return [name, isSame ? before : { value, version: next }];
    });
    if (!entries.some(([, part]) => part.version === next)) {
      return;
    }
    parts = new Map(entries);
    version = next;
    made = new Map();
    for (const wake of waiting) {
      wake();
    }
  };
  const lookOnce = (): Promise<void> => {
    looking ??= look().finally(() => {
      looking = undefined;
    });
    return looking;
  };
  const schedule = (): void => {
    const mine = setTimeout(() => {
      lookOnce()
        .catch(options.onTrouble)
        .finally(() => {
          if (timer === mine) {
            schedule();
          }
        });
    }, everyMs).unref();
    timer = mine;
  };
  const messageSince = (seen: number): Partial<Parts> => {
    const known = made.get(seen);
    if (known !== undefined) {
      return known;
    }
    const news = [...parts].filter(([, part]) => part.version > seen);
    // By the names of the parts, each with its value.
    const message = Object.fromEntries(
      news.map(([name, { value }]) => [name, value]),
    ) as Partial<Parts>;
    made.set(seen, message);
    return message;
  };
  const refresh = async (): Promise<void> => {
    if (performance.now() - takenAt >= everyMs) {
      await lookOnce();
    }
  };

  return {
    async current() {
      await refresh();
      return messageSince(0) as Parts; // every part is newer than none
    },
    async *watch(signal) {
      if (watchers >= maxWatchers) {
        const message = `${maxWatchers} streams of this kind are open, which is the limit`;
        throw exhausted("watchers", message, fullRetryMs);
      }
      watchers += 1;
      let wake = (): void => {};
      const onChange = (): void => wake();
      waiting.add(onChange);
      signal.addEventListener("abort", onChange);
      try {
        await refresh();
        if (timer === undefined) {
          schedule();
        }
        let seen = 0;
        while (!signal.aborted) {
          const changed = new Promise<void>((resolve) => {
            wake = resolve;
          });
          if (version > seen) {
            const message = messageSince(seen); // W1
            seen = version;
            yield message;
          } else {
            await changed;
          }
        }
      } finally {
        waiting.delete(onChange);
        signal.removeEventListener("abort", onChange);
        watchers -= 1;
        if (watchers === 0) {
          clearTimeout(timer);
          timer = undefined;
        }
      }
    },
    look: lookOnce,
  };
}
