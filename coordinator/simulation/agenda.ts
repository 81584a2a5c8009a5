/** What is to happen, in the order of its time: the driven clock of a simulation. */

export type Happening = () => void | Promise<void>;

export interface Agenda {
  /** ms since 1970 UTC; stands still while something happens. */
  now(): number;
  /** To happen `delayMs` from now, after all that was put in for the same time before. */
  after(delayMs: number, happening: Happening): void;
  /** Lets everything happen that comes before `endAt` (ms since 1970 UTC), then sets the clock to that. */
  runUntil(endAt: number): Promise<void>;
}

interface Entry {
  readonly at: number;
  /** Decides between two of the same time. */
  readonly order: number;
  readonly happening: Happening;
}

/** @param startAt ms since 1970 UTC */
export function createAgenda(startAt: number): Agenda {
  /** A binary heap: no entry comes before its parent at `(index - 1) >> 1`. */
  const heap: Entry[] = [];
  let time = startAt;
  let count = 0;

  const push = (entry: Entry): void => {
    let index = heap.length;
    heap.push(entry);
    while (index > 0) {
      const up = (index - 1) >> 1;
      const parent = heap[up];
      if (parent === undefined || comesBefore(parent, entry)) {
        break;
      }
      heap[index] = parent;
      index = up;
    }
    heap[index] = entry;
  };
  const pop = (): Entry | undefined => {
    const [first] = heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) {
      return first;
    }
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const right = left + 1;
      const [a, b] = [heap[left], heap[right]];
      const isRight = a !== undefined && b !== undefined && comesBefore(b, a);
      const child = isRight ? b : a;
      if (child === undefined || comesBefore(last, child)) {
        break;
      }
      heap[index] = child;
      index = isRight ? right : left;
    }
    heap[index] = last;
    return first;
  };

  return {
    now: () => time,
    after(delayMs, happening) {
      count += 1;
      push({ at: time + Math.max(0, Math.round(delayMs)), order: count, happening });
    },
    async runUntil(endAt) {
      for (let next = heap[0]; next !== undefined && next.at < endAt; next = heap[0]) {
        pop();
        time = next.at;
        await next.happening();
      }
      time = endAt;
    },
  };
}

function comesBefore(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
