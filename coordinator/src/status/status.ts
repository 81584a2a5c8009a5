/**
 * How a coordinator is doing, for people: a file in the data directory, written anew every few seconds, and a line in
 * the log every minute. Whoever looks needs neither a port nor the running process.
 */
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Loop, startLoop } from "@turntable/process";
import { z } from "zod";

/** A coordinator that stands by for the one that leads. */
const standingBySchema = z.object({
  at: z.number(),
  startedAt: z.number(),
  standsBy: z.object({
    name: z.string(),
    /** Who leads; null before anybody did. */
    leader: z.string().nullable(),
    /** What the one that leads has and this one has not yet. */
    lagEntries: z.number(),
    missingAssets: z.number(),
  }),
});

const statusSchema = z.object({
  /** When this was so, and when the coordinator started; ms since 1970 UTC. */
  at: z.number(),
  startedAt: z.number(),
  rules: z.string(),
  /** Its role among the coordinators of its hotkey; uncertain when it cannot renew its lease. */
  role: z.enum(["alone", "leading", "uncertain"]).default("alone"),
  /** Its name among them; empty when it is alone. */
  name: z.string().default(""),
  /** Why it is not ready; null when it is. */
  notReady: z.string().nullable(),
  /** One for each subnet and hotkey, as the chain said last. */
  validators: z.array(
    z.object({
      netuid: z.number(),
      hotkey: z.string(),
      /** The block that the chain had at that look. */
      block: z.number(),
      /** Null when it is not registered. */
      neuron: z
        .object({
          uid: z.number(),
          stakeTao: z.number(),
          validatorPermit: z.boolean(),
          /** Block of its latest weights, or of its registration. */
          lastUpdate: z.number(),
        })
        .nullable(),
    }),
  ),
  /** Jobs that wait or are in work; null when the queue is away. */
  queue: z
    .object({ organic: z.number(), scoring: z.number().default(0), synthetic: z.number() })
    .nullable(),
  /** Jobs that were given up and can be replayed; null when the queue is away. */
  deadLetters: z.number().nullable().default(null),
  /** Workers whose results came within the last ten minutes. */
  workers: z.number(),
  /** Tasks that have not ended, by state. */
  openTasks: z.record(z.string(), z.number()),
  /** Registered miners. */
  miners: z.number(),
  /** Those with the highest rewards, first. */
  top: z.array(
    z.object({
      hotkey: z.string(),
      observations: z.number(),
      scored: z.number(),
      averageFidelity: z.number(),
      reward: z.number(),
    }),
  ),
});

export type Status = z.infer<typeof statusSchema>;
export type StandingBy = z.infer<typeof standingBySchema>;
type Standing = Status["top"][number];

/** Where the numbers come from. */
export interface StatusSources {
  readonly rules: string;
  /** Undefined when it is alone. */
  readonly leads: { readonly name: string; isLeading(): boolean } | undefined;
  readonly notReady: () => string | undefined;
  readonly validators: () => Status["validators"];
  /** Throws when the queue cannot be reached. */
  readonly queueDepth: () => Promise<NonNullable<Status["queue"]>>;
  /** Throws when the queue cannot be reached. */
  readonly deadLetters: () => Promise<number>;
  readonly workers: (now: number) => number;
  readonly openTasks: () => Readonly<Partial<Record<string, number>>>;
  /** Registered miners, ss58. */
  readonly miners: () => ReadonlySet<string>;
  readonly standingOf: (hotkey: string, now: number) => Standing;
}

export interface StatusOptions {
  readonly sources: StatusSources;
  /** The data directory. */
  readonly directory: string;
  /** Told of each, as it is written. */
  readonly onStatus: (status: Status) => void;
  /** Told every minute. */
  readonly onMinute: (status: Status) => void;
  readonly onTrouble: (what: string, error: unknown) => void;
  /** ms since 1970 UTC */
  readonly now: () => number;
}

/** There is no status, or one that this version cannot read. */
export class StatusError extends Error {
  override name = "StatusError";
}

const fileName = "status.json";
const everyMs = 10_000;
/** Of one that stands by, which has little to write, and whose leader may change at any time. */
const standingByEveryMs = 1_000;
const minuteMs = 60_000;
/** A status older than this says that nobody writes it any more, in ms. */
const staleMs = 3 * everyMs;
const topCount = 10;

/** Writes the status until it is disposed; the first at once. */
export function startStatus(options: StatusOptions): Loop {
  const { sources, directory, now } = options;
  const startedAt = now();
  let toldAt = Number.NEGATIVE_INFINITY;
  const loop = startLoop({
    everyMs,
    async run() {
      const status = await takeStatus(sources, startedAt, now());
      options.onStatus(status); // first: a full disk hides nothing
      await writeWhole(join(directory, fileName), `${JSON.stringify(status)}\n`);
      if (status.at - toldAt < minuteMs) {
        return;
      }
      toldAt = status.at;
      options.onMinute(status);
    },
    onTrouble: (error) => options.onTrouble("the status could not be written", error),
  });
  void loop.runNow();
  return loop;
}

export interface StandingByOptions {
  readonly view: {
    readonly name: string;
    leader(): string | undefined;
    lag(): number;
    missingAssets(): number;
  };
  /** The data directory. */
  readonly directory: string;
  readonly onTrouble: (what: string, error: unknown) => void;
  /** ms since 1970 UTC */
  readonly now: () => number;
}

/** The same as `startStatus` for a coordinator that stands by. */
export function startStandingBy({ view, directory, onTrouble, now }: StandingByOptions): Loop {
  const startedAt = now();
  const loop = startLoop({
    everyMs: standingByEveryMs,
    async run() {
      const { name } = view;
      const leader = view.leader() ?? null;
      const [lagEntries, missingAssets] = [view.lag(), view.missingAssets()];
      const standsBy = { name, leader, lagEntries, missingAssets };
      const status: StandingBy = { at: now(), startedAt, standsBy };
      await writeWhole(join(directory, fileName), `${JSON.stringify(status)}\n`);
    },
    onTrouble: (error) => onTrouble("the status could not be written", error),
  });
  void loop.runNow();
  return loop;
}

/**
 * The status that a coordinator wrote last.
 * @throws StatusError when there is none
 */
export async function readStatus(directory: string): Promise<Status | StandingBy> {
  const file = join(directory, fileName);
  try {
    return z
      .union([standingBySchema, statusSchema])
      .parse(JSON.parse(await readFile(file, "utf8")));
  } catch (cause) {
    throw new StatusError(
      `${file}: cannot be read: has a coordinator of this version run on this data directory?`,
      { cause },
    );
  }
}

/**
 * For people.
 * @param now ms since 1970 UTC
 */
export function describeStatus(status: Status | StandingBy, now: number): string {
  const ageMs = now - status.at;
  const age = duration(now - status.startedAt);
  const gone =
    ageMs > staleMs
      ? `not running: last seen ${duration(ageMs)} ago, at ${new Date(status.at).toISOString()}`
      : undefined;
  if ("standsBy" in status) {
    const { name, leader, lagEntries, missingAssets } = status.standsBy;
    return [
      gone ?? `standing by for ${age} as ${name}, ${leader ?? "nobody"} leads`,
      `${lagEntries} entries of the log and ${missingAssets} assets are not here yet`,
      "",
    ].join("\n");
  }
  const { queue, deadLetters, top, role, name } = status;
  const open = Object.entries(status.openTasks).map(([state, count]) => `${count} ${state}`);
  return [
    gone ?? `running for ${age}, ${status.notReady ?? "ready"}`,
    ...(role === "alone" ? [] : [`${role} as ${name}`]),
    `rules ${status.rules}, ${status.miners} miners registered`,
    ...status.validators.map(describeValidator),
    `queue: ${queue === null ? "away" : `${queue.organic} organic, ${queue.scoring} scoring and ${queue.synthetic} synthetic jobs`}`,
    ...(deadLetters === null ? [] : [`dead letters: ${deadLetters}`]),
    `workers: ${status.workers} with results in the last ten minutes`,
    `open tasks: ${open.length === 0 ? "none" : open.join(", ")}`,
    top.length === 0 ? "no miner has a reward" : "the highest rewards:",
    ...top.map(describeStanding),
    "",
  ].join("\n");
}

function describeValidator({
  netuid,
  hotkey,
  block,
  neuron,
}: Status["validators"][number]): string {
  if (block === 0) {
    return `subnet ${netuid}: not read from the chain since the start`;
  }
  if (neuron === null) {
    return `subnet ${netuid} at block ${block}: ${hotkey} is not registered`;
  }
  const { uid, stakeTao, validatorPermit, lastUpdate } = neuron;
  return (
    `subnet ${netuid} at block ${block}: ${hotkey} is uid ${uid}, ${stakeTao} TAO, ` +
    `${validatorPermit ? "a permit" : "no permit"}, weights or registration at block ${lastUpdate}`
  );
}

function describeStanding(standing: Standing, index: number): string {
  const { hotkey, observations, scored, averageFidelity, reward } = standing;
  const place = String(index + 1).padStart(4);
  const factor = observations === 0 ? averageFidelity : reward / observations; // its average, or its rating
  return `${place}  ${hotkey}  ${reward.toFixed(3)} = ${observations} of ${scored} accepted × ${factor.toFixed(4)}`;
}

/** How it is now. */
export async function takeStatus(
  sources: StatusSources,
  startedAt: number,
  now: number,
): Promise<Status> {
  const { leads } = sources;
  const miners = [...sources.miners()];
  const top = miners
    .map((hotkey) => sources.standingOf(hotkey, now))
    .filter(({ reward }) => reward > 0)
    .toSorted((a, b) => b.reward - a.reward)
    .slice(0, topCount)
    .map(({ hotkey, observations, scored, averageFidelity, reward }) => ({
      ...{ hotkey, observations, scored, averageFidelity, reward },
    }));
  const openTasks = Object.entries(sources.openTasks()).filter(
    (entry): entry is [string, number] => entry[1] !== undefined,
  );
  return {
    at: now,
    startedAt,
    rules: sources.rules,
    role: leads === undefined ? "alone" : leads.isLeading() ? "leading" : "uncertain",
    name: leads?.name ?? "",
    notReady: sources.notReady() ?? null,
    validators: sources.validators().map(({ netuid, hotkey, block, neuron }) => ({
      ...{ netuid, hotkey, block },
      neuron: neuron === null ? null : neuronFields(neuron),
    })),
    queue: await sources.queueDepth().catch(() => null),
    deadLetters: await sources.deadLetters().catch(() => null),
    workers: sources.workers(now),
    openTasks: Object.fromEntries(openTasks),
    miners: miners.length,
    top,
  };
}

/** The chain tells more of a neuron than belongs here. */
function neuronFields({
  uid,
  stakeTao,
  validatorPermit,
  lastUpdate,
}: NonNullable<Status["validators"][number]["neuron"]>) {
  return { uid, stakeTao, validatorPermit, lastUpdate };
}

/** Readers see the old content or the new, never a part. */
async function writeWhole(file: string, content: string): Promise<void> {
  await writeFile(`${file}.new`, content);
  await rename(`${file}.new`, file);
}

function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) {
    return `${seconds} s`;
  }
  const minutes = Math.floor(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h`;
}
