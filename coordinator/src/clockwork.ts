/** What has to be looked at again and again, since it depends on the time. */
import { startLoop } from "@turntable/process";
import type { Dispatch } from "./dispatch/index.ts";
import type { Events } from "./events.ts";
import type { CoordinatorState } from "./state.ts";

/** Between two looks, in ms. */
const tickMs = 1_000;

export interface ClockworkOptions
  extends Pick<
    CoordinatorState,
    "submissions" | "scorings" | "audits" | "tasks" | "retention" | "space"
  > {
  readonly dispatch: Pick<Dispatch, "withdraw">;
  readonly events: Events;
  /** ms since 1970 UTC */
  readonly now: () => number;
  /** Hotkeys (ss58) that may still work on a task. */
  readonly miners: () => ReadonlySet<string>;
}

/** Starts the loops, after deadlines were applied once. */
export async function startClockwork(options: ClockworkOptions): Promise<AsyncDisposable> {
  const { submissions, scorings, audits, tasks, retention, space, events, now } = options;
  await using stack = new AsyncDisposableStack();
  const ticks = stack.use(
    startLoop({
      everyMs: tickMs,
      run() {
        for (const outcome of submissions.failOverdue(now())) {
          events.ended(outcome, now());
        }
        tasks.tick(now(), options.miners);
        scorings.tick(now());
        for (const id of audits.tick(now())) {
          void options.dispatch.withdraw(id);
        }
      },
      onTrouble: (error) => events.trouble("deadlines could not be applied", error),
    }),
  );
  stack.use(
    startLoop({
      everyMs: tickMs,
      run: async () => events.removed(await retention.step(now())),
      onTrouble: (error) => events.trouble("what is out of date could not be removed", error),
    }),
  );
  stack.use(
    startLoop({
      everyMs: tickMs,
      run: space.check,
      onTrouble: (error) => events.trouble("free space could not be looked up", error),
    }),
  );
  await ticks.runNow();
  return stack.move();
}
