/** Whether more can be taken in: what is there has to be finished first. */
import type { DiskSpace } from "./store/index.ts";

export interface IntakeLimits {
  /** Submissions without a verdict; while there are so many, no task is lent. */
  readonly pendingSubmissions: number;
  /** Free bytes of the data directory's disk below which nothing is taken. */
  readonly reserveBytes: number;
}

export const defaultLimits: IntakeLimits = {
  pendingSubmissions: 2_000,
  reserveBytes: 1024 ** 3,
};

/** What is taken in beside what limits allow; see the proto's Intake. */
export interface IntakeMode {
  readonly kind: "open" | "paused" | "draining";
  /** Why, for people; may be empty. */
  readonly reason: string;
}

export interface Intake {
  /** Why no tasks and scorings of clients are taken; undefined when they are. */
  takesNoTasks(): string | undefined;
  mode(): IntakeMode;
  setMode(kind: IntakeMode["kind"], reason: string): void;
  /** Why neither tasks nor submissions are taken; undefined when they are. */
  takesNothing(): string | undefined;
  /** Why no task is lent to miners; undefined when they are. */
  lendsNothing(): string | undefined;
}

/** @param onRefusal told of each answer that says no, with its kind */
export function createIntake(options: {
  readonly limits: Pick<IntakeLimits, "pendingSubmissions">;
  readonly space: Pick<DiskSpace, "lack">;
  readonly countPending: () => number;
  readonly onRefusal: (kind: "disk" | "backlog" | "paused") => void;
}): Intake {
  const { limits, space, countPending, onRefusal } = options;
  let mode: IntakeMode = { kind: "open", reason: "" };
  const closed = (): string => {
    onRefusal("paused");
    const what = mode.kind === "paused" ? "paused" : "draining, to be stopped";
    return `the coordinator is ${what}${mode.reason === "" ? "" : `: ${mode.reason}`}`;
  };
  const takesNothing = (): string | undefined => {
    const lack = space.lack();
    if (lack !== undefined) {
      onRefusal("disk");
    }
    return lack;
  };
  return {
    takesNothing,
    takesNoTasks: () => (mode.kind === "draining" ? closed() : takesNothing()),
    mode: () => mode,
    setMode(kind, reason) {
      mode = { kind, reason };
    },
    lendsNothing() {
      if (mode.kind !== "open") {
        return closed();
      }
      const lack = takesNothing();
      if (lack !== undefined || countPending() < limits.pendingSubmissions) {
        return lack;
      }
      onRefusal("backlog");
      return `${limits.pendingSubmissions} submissions wait for their verdict`;
    },
  };
}
