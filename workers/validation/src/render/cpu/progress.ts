/**
 * How far the threads are with one render, in numbers that all of them share: which view is next, and of each view
 * whose it is and which tile is next. Only `Atomics` touches them.
 */

/** Shared numbers; see `createProgress`. */
export type Progress = Int32Array;

const nextView = 0;
const partsWritten = 1;
/** 1 when a thread is gone: nobody may wait for it. */
const ended = 2;
const firstView = 3;
/** For each view: its phase, the thread that took it, the next tile, tiles that are drawn. */
const perView = 4;
/**
 * Where the count of views is set so that threads take no more: above every real index, and so far below 2³¹ that no
 * thread counts over it.
 */
const noView = 1 << 30;
/** A thread that waits looks this often, in ms, whether it waits in vain. */
const lookMs = 500;

/** What a thread that wants to help sees of a view. */
export const phases = { notTaken: 0, projecting: 1, open: 2, closed: 3 } as const;

export function createProgress(views: number): Progress {
  const ints = firstView + views * perView;
  return new Int32Array(new SharedArrayBuffer(ints * Int32Array.BYTES_PER_ELEMENT));
}

/** The index of a view that nobody has taken; too large when there is none left. */
export function takeView(progress: Progress): number {
  return Atomics.add(progress, nextView, 1);
}

export function takeNoMore(progress: Progress): void {
  Atomics.store(progress, nextView, noView);
}

/** A thread is gone: those that wait for it stop doing so. */
export function endAll(progress: Progress): void {
  takeNoMore(progress);
  Atomics.store(progress, ended, 1);
}

/** One of `threads` parts of the scene is written. Returns when all are; false when that will never be. */
export function waitForParts(progress: Progress, threads: number): boolean {
  Atomics.add(progress, partsWritten, 1);
  Atomics.notify(progress, partsWritten);
  return waitWhile(progress, partsWritten, (written) => written < threads);
}

/** The thread begins with a view, whose tiles nobody can draw yet. */
export function beginView(progress: Progress, view: number, thread: number): void {
  Atomics.store(progress, firstView + view * perView + 1, thread);
  setPhase(progress, view, phases.projecting);
}

/** Now its tiles can be drawn by anyone. */
export function openView(progress: Progress, view: number): void {
  setPhase(progress, view, phases.open);
}

/** Waits until all its tiles are drawn; false when that will never be. Nobody needs to help with it any more. */
export function closeView(progress: Progress, view: number, tiles: number): boolean {
  const drawn = firstView + view * perView + 3;
  const isWhole =
    Atomics.load(progress, firstView + view * perView) !== phases.open ||
    waitWhile(progress, drawn, (done) => done < tiles);
  setPhase(progress, view, phases.closed);
  return isWhole;
}

/** Whose view it is, as soon as its tiles can be drawn; undefined when there is nothing to help with. */
export function ownerOfOpen(progress: Progress, view: number): number | undefined {
  const at = firstView + view * perView;
  if (!waitWhile(progress, at, (phase) => phase === phases.projecting)) {
    return undefined;
  }
  if (Atomics.load(progress, at) !== phases.open) {
    return undefined;
  }
  return Atomics.load(progress, at + 1);
}

/** The next tile of a view; too large when there is none left. */
export function takeTile(progress: Progress, view: number): number {
  return Atomics.add(progress, firstView + view * perView + 2, 1);
}

export function countTile(progress: Progress, view: number): void {
  const drawn = firstView + view * perView + 3;
  Atomics.add(progress, drawn, 1);
  Atomics.notify(progress, drawn);
}

function setPhase(progress: Progress, view: number, phase: number): void {
  const at = firstView + view * perView;
  Atomics.store(progress, at, phase);
  Atomics.notify(progress, at);
}

function waitWhile(progress: Progress, at: number, isTooSoon: (value: number) => boolean): boolean {
  for (;;) {
    const value = Atomics.load(progress, at);
    if (!isTooSoon(value)) {
      return true;
    }
    if (Atomics.load(progress, ended) === 1) {
      return false;
    }
    Atomics.wait(progress, at, value, lookMs);
  }
}
