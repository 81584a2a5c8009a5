/** What moves by itself: a slow turn until somebody touches it, and the scored views one after the other. */

export interface MotionActions {
  /** @param degrees further around */
  turn(degrees: number): void;
  step(): void;
  onPlaying(isPlaying: boolean): void;
}

export interface Motion extends Disposable {
  /** Turns slowly; not for those who asked their system for less motion. */
  turn(): void;
  play(): void;
  /** Whatever moves comes to rest. */
  rest(): void;
  readonly isPlaying: boolean;
}

const turnDegPerS = 12;
const stepMs = 350;
/** After a pause, in which the tab was hidden say, it goes on from where it was. */
const longestFrameMs = 100;

/** @param place nothing turns while it is out of sight */
export function createMotion(place: Element, actions: MotionActions): Motion {
  let kind: "rest" | "turn" | "play" = "rest";
  let [frame, timer, before, isSeen] = [0, 0, 0, true];
  const onFrame = (now: number): void => {
    const passedMs = Math.min(longestFrameMs, now - before);
    before = now;
    if (isSeen) {
      actions.turn((turnDegPerS * passedMs) / 1000);
    }
    frame = requestAnimationFrame(onFrame);
  };
  const watcher = new IntersectionObserver((entries) => {
    isSeen = entries.at(-1)?.isIntersecting ?? true;
  });
  watcher.observe(place);
  const rest = (): void => {
    cancelAnimationFrame(frame);
    clearInterval(timer);
    if (kind === "play") {
      actions.onPlaying(false);
    }
    kind = "rest";
  };
  return {
    turn() {
      if (!matchMedia("(prefers-reduced-motion: reduce)").matches) {
        rest();
        kind = "turn";
        before = performance.now();
        frame = requestAnimationFrame(onFrame);
      }
    },
    play() {
      rest();
      kind = "play";
      actions.onPlaying(true);
      timer = window.setInterval(actions.step, stepMs);
    },
    rest,
    get isPlaying() {
      return kind === "play";
    },
    [Symbol.dispose]() {
      rest();
      watcher.disconnect();
    },
  };
}
