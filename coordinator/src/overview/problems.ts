/** What is wrong right now, in plain sentences. A pure function of what was looked at. */

/** `error`: work stands still, or rewards are at stake; `warning`: work goes on, worse or not for long. */
export type Severity = "error" | "warning" | "info";

export interface Problem {
  readonly severity: Severity;
  /** For programs, an open set. */
  readonly code: string;
  /** What is wrong and what to do. */
  readonly text: string;
}

/** What is looked at. Durations are in ms. */
export interface Health {
  /** Why nothing can be dispatched or applied; undefined when all is well. */
  readonly dispatch: string | undefined;
  readonly intake: {
    readonly kind: "open" | "paused" | "draining";
    /** Why, for people; may be empty. */
    readonly reason: string;
  };
  readonly disk: { readonly freeBytes: number; readonly reserveBytes: number };
  /** Workers whose results came lately. */
  readonly workers: readonly {
    readonly model: string;
    readonly demonstration: boolean;
    readonly isActive: boolean;
  }[];
  /** Workers that get no jobs, since their scores drifted. */
  readonly quarantined: number;
  /** Assets without a verdict, and from how many on no task is lent. */
  readonly pending: { readonly count: number; readonly limit: number; readonly oldestMs: number };
  /** For how long the oldest task of a client has waited for a miner; 0 when none does. */
  readonly oldestTaskMs: number;
  /** Registered miners. */
  readonly miners: number;
  /** Jobs that were given up; undefined while that is not known. */
  readonly deadLetters: number | undefined;
  /** Places outside that cannot be reached, by name. */
  readonly storageAway: readonly string[];
  readonly validators: readonly {
    readonly netuid: number;
    /** How long ago the chain was read last; undefined when it was not since the start. */
    readonly readMs: number | undefined;
    /** Between two looks at the chain, when all is well. */
    readonly everyMs: number;
    readonly isRegistered: boolean;
    /** Why no weights are set; undefined when nothing stands against it. */
    readonly barred: string | undefined;
    /** Why there are none to set; undefined when there are. */
    readonly nothing: string | undefined;
    /** By how many blocks the last weights are older than they should be; 0 when they are not. */
    readonly lateBlocks: number;
    /** Weights that the chain took and does not have, or that are somebody else's, in words; undefined when neither. */
    readonly foreign: string | undefined;
  }[];
}

/** An asset without a verdict for so long means that workers do not keep up. */
const oldMs = 300_000;
/** With nothing scored for so long while something waits, there is no worker. */
const noWorkerMs = 60_000;
/** A client's task that no miner took for so long. */
const lonelyTaskMs = 120_000;
/** A chain that was not read for so long beyond the usual pause is behind. */
const chainSlackMs = 120_000;
/** Of the reserve: below so much free space it is time to look. */
const nearlyFull = 2;

const order: readonly Severity[] = ["error", "warning", "info"];

/** The worst first; empty when all is well. */
export function problemsOf(health: Health): readonly Problem[] {
  return [
    ...ofWork(health),
    ...ofDisk(health),
    ...ofIntake(health),
    ...health.validators.flatMap((validator) => [...ofValidator(validator)]),
    ...ofMiners(health),
    ...ofStorage(health),
    ...ofQuarantine(health),
    ...ofModels(health),
  ].toSorted((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
}

function* ofWork({ dispatch, workers, pending }: Health): Iterable<Problem> {
  if (dispatch !== undefined) {
    yield error("queue-away", `Nothing can be scored: ${dispatch}. What miners hand in waits.`);
  }
  const isIdle = !workers.some(({ isActive }) => isActive);
  if (isIdle && pending.count > 0 && pending.oldestMs > noWorkerMs) {
    yield error(
      "no-worker",
      `No worker scores anything, and ${counted(pending.count, "asset")} ${pending.count === 1 ? "waits" : "wait"}, the oldest for ${duration(pending.oldestMs)}: start one, or look why none reaches the queue.`,
    );
  } else if (pending.count > 0 && pending.oldestMs > oldMs) {
    yield warning(
      "queue-old",
      `The oldest asset has waited ${duration(pending.oldestMs)} for its score: there are too few workers for what comes.`,
    );
  }
  if (pending.count >= pending.limit) {
    yield error(
      "backlog",
      `${pending.count} assets wait for their score, which is the limit: miners get no tasks until there are fewer.`,
    );
  }
}

function* ofDisk({ disk: { freeBytes, reserveBytes } }: Health): Iterable<Problem> {
  const free = mebibytes(freeBytes);
  if (freeBytes < reserveBytes) {
    yield error(
      "disk-full",
      `The disk is nearly full: ${free} are free, and below ${mebibytes(reserveBytes)} nothing is taken. Make room, or keep assets for less long.`,
    );
  } else if (freeBytes < nearlyFull * reserveBytes) {
    yield warning(
      "disk-filling",
      `The disk fills up: ${free} are free, and below ${mebibytes(reserveBytes)} nothing is taken any more.`,
    );
  }
}

function* ofIntake({ intake: { kind, reason } }: Health): Iterable<Problem> {
  const why = reason === "" ? "" : `: ${reason}`;
  if (kind === "paused") {
    yield warning(
      "paused",
      `The operator has paused it${why}. Clients' tasks wait, and miners get none.`,
    );
  } else if (kind === "draining") {
    yield warning("draining", `It is about to be stopped${why}. Nothing new is taken.`);
  }
}

function* ofValidator(validator: Health["validators"][number]): Iterable<Problem> {
  const { netuid, readMs, everyMs, isRegistered, barred, nothing, lateBlocks, foreign } = validator;
  if (readMs === undefined) {
    yield warning(
      "chain-away",
      `The chain has not been read since the start: who is registered on subnet ${netuid} is as it was known before.`,
    );
  } else if (readMs > everyMs + chainSlackMs) {
    yield warning(
      "chain-behind",
      `The chain was last read ${duration(readMs)} ago: who is registered on subnet ${netuid} is as it was then.`,
    );
  } else if (!isRegistered) {
    yield error("not-registered", `The validator's hotkey is not registered on subnet ${netuid}.`);
  }
  if (lateBlocks > 0 && nothing !== undefined) {
    yield warning(
      "weights-none",
      `Weights on subnet ${netuid} are ${lateBlocks} blocks late, since there are none to set: ${nothing}.`,
    );
  } else if (lateBlocks > 0) {
    yield error(
      "weights-late",
      `Weights on subnet ${netuid} are ${lateBlocks} blocks late${barred === undefined ? "" : `: ${barred}`}.`,
    );
  } else if (barred !== undefined && isRegistered) {
    yield warning("weights-barred", `No weights are set on subnet ${netuid}: ${barred}.`);
  }
  if (foreign !== undefined) {
    yield error("weights-foreign", `Subnet ${netuid}: ${foreign}.`);
  }
}

function* ofMiners({ miners, oldestTaskMs }: Health): Iterable<Problem> {
  if (miners === 0) {
    yield warning("no-miner", "No miner is registered: tasks wait for one.");
  } else if (oldestTaskMs > lonelyTaskMs) {
    yield warning(
      "no-taker",
      `A client's task has waited ${duration(oldestTaskMs)} for a miner: all are busy, in their cooldown, or away.`,
    );
  }
}

function* ofStorage({ storageAway, deadLetters = 0 }: Health): Iterable<Problem> {
  if (deadLetters > 0) {
    yield warning(
      "dead-letters",
      `${counted(deadLetters, "job")} ${deadLetters === 1 ? "was" : "were"} given up: the operator can look at why and send ${deadLetters === 1 ? "it" : "them"} again.`,
    );
  }
  for (const name of storageAway) {
    yield warning(
      "storage-away",
      `Accepted assets cannot be stored on ${name} now; they wait here.`,
    );
  }
}

function* ofQuarantine({ quarantined }: Health): Iterable<Problem> {
  if (quarantined > 0) {
    yield warning(
      "worker-quarantined",
      `${counted(quarantined, "worker")} ${quarantined === 1 ? "is" : "are"} quarantined, since ${quarantined === 1 ? "its scores differ" : "their scores differ"} from those of others: the operator can look at why and release ${quarantined === 1 ? "it" : "them"}.`,
    );
  }
}

function* ofModels({ workers }: Health): Iterable<Problem> {
  const names = new Set(
    workers.filter((worker) => worker.isActive && worker.demonstration).map(({ model }) => model),
  );
  for (const name of names) {
    yield {
      severity: "info",
      code: "demonstration-model",
      text: `Scores come from the demonstration model ${name}: it knows few words, and its scores say little outside them.`,
    };
  }
}

const error = (code: string, text: string): Problem => ({ severity: "error", code, text });
const warning = (code: string, text: string): Problem => ({ severity: "warning", code, text });

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function mebibytes(bytes: number): string {
  return `${Math.floor(bytes / 1024 ** 2)} MiB`;
}

/** "40 s", "12 min", "3 h"; a text that does not change with every second while it is about minutes. */
function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) {
    return `${seconds} s`;
  }
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}
