/** What is done to the subnet, to whom, when and for how long: all of it follows from a seed. */
import { setTimeout as sleep } from "node:timers/promises";
import type { SteppedClock } from "../harness/faketime.ts";
import { randomOf } from "../harness/random.ts";
import { fill } from "../harness/small-disk.ts";
import type { Network } from "./network.ts";
import { slowSignals } from "./scoring.ts";
import {
  coordinatorName,
  type Member,
  type NatsMember,
  natsNames,
  type Program,
  type Subnet,
  workerNames,
} from "./subnet.ts";

/** What faults need beside the subnet. */
export interface Ground {
  readonly subnet: Subnet;
  readonly network: Network;
  /** Folder of a member's own small disk. */
  readonly diskOf: (member: string) => string;
  readonly clockOf: (member: string) => SteppedClock | undefined;
  /** Folder of the project that programs are brought up to; undefined when they are of it already. */
  readonly newerCheckout: string | undefined;
}

/** Does harm to the target for `forMs`, and makes it good. */
type Harm = (ground: Ground, fault: Fault) => Promise<void>;

interface FaultKind {
  readonly targets: readonly string[];
  /** Shortest and longest, in ms. */
  readonly forMs: readonly [number, number];
  readonly harm: Harm;
}

export interface Fault {
  readonly kind: FaultName;
  readonly target: string;
  /** After the work began, in ms. */
  readonly atMs: number;
  readonly forMs: number;
  /** Another number from 0 to 1, for what the kind leaves open. */
  readonly dice: number;
}

const programs = [coordinatorName, ...workerNames];
const everybody = [...natsNames, ...programs];

const kill: Harm = async ({ subnet }, { target, forMs }) => {
  const member = memberOf(subnet, target);
  await member.kill9();
  await sleep(forMs);
  await member.start();
};

/** Longer than the ack wait for some: their jobs are given to others meanwhile. */
const stopped: Harm = async ({ subnet }, { target, forMs }) => {
  const pid = memberOf(subnet, target).pid();
  if (pid === 0) {
    return; // it has ended by itself, and is being started again
  }
  process.kill(pid, "SIGSTOP");
  await sleep(forMs);
  process.kill(pid, "SIGCONT");
};

const faultKinds = {
  "kill-coordinator": { targets: [coordinatorName], forMs: [0, 1_500], harm: kill },
  "kill-worker": { targets: workerNames, forMs: [0, 1_500], harm: kill },
  "kill-nats": { targets: natsNames, forMs: [0, 3_000], harm: kill },
  /** Whichever server leads the stream of jobs, that of results, or all of JetStream. */
  "kill-leader": {
    targets: ["JOBS", "RESULTS", "meta"],
    forMs: [0, 3_000],
    async harm(ground, fault) {
      const leader = await leaderOf(ground.subnet.nats, fault.target);
      if (leader !== undefined) {
        await kill(ground, { ...fault, target: leader });
      }
    },
  },
  /** A server loses its disk once the other two have what is on it: what two of three lose nobody has any more. */
  "lose-nats-disk": {
    targets: natsNames,
    forMs: [0, 0],
    async harm({ subnet }, { target }) {
      await untilHealthy(subnet.nats);
      await natsOf(subnet, target).restartEmpty();
    },
  },
  /** All servers lose their disks: the queue begins anew. */
  "lose-queue": {
    targets: ["all"],
    forMs: [0, 0],
    async harm({ subnet }) {
      await Promise.all(subnet.nats.map((server) => server.kill9()));
      await Promise.all(subnet.nats.map((server) => server.restartEmpty()));
    },
  },
  partition: {
    targets: everybody,
    forMs: [500, 4_000],
    async harm({ network }, fault) {
      network.cut(cutOff(fault));
      await sleep(fault.forMs);
      network.heal();
    },
  },
  /** Each of its jobs takes longer than the ack wait, and is kept alive meanwhile. */
  "slow-worker": {
    targets: workerNames,
    forMs: [2_000, 6_000],
    async harm({ subnet }, { target, forMs }) {
      const worker = subnet.workers.find(({ name, isReady }) => name === target && isReady());
      if (worker === undefined) {
        return; // it has ended by itself, and is being started again
      }
      process.kill(worker.pid(), slowSignals.begin);
      await sleep(forMs);
      if (worker.isReady()) {
        process.kill(worker.pid(), slowSignals.end);
      }
    },
  },
  "stop-worker": { targets: workerNames, forMs: [500, 5_000], harm: stopped },
  "stop-nats": { targets: natsNames, forMs: [500, 4_000], harm: stopped },
  "stop-coordinator": { targets: [coordinatorName], forMs: [500, 4_000], harm: stopped },
  "full-disk": {
    targets: [coordinatorName, ...natsNames],
    forMs: [500, 3_000],
    async harm({ subnet, diskOf }, { target, forMs, dice }) {
      const leftBytes = Math.floor(dice * 4 * 1024 * 1024);
      const makeRoom = await fill(diskOf(target), leftBytes);
      await sleep(forMs);
      makeRoom();
      const server = subnet.nats.find(({ name }) => name === target);
      // A server that could not write has given up its JetStream, and an operator starts it again.
      if (server !== undefined && !(await hasJetStream(server))) {
        await server.kill9();
        await server.start();
      }
    },
  },
  "clock-step": {
    targets: programs,
    forMs: [1_000, 4_000],
    async harm({ clockOf }, { target, forMs, dice }) {
      const steps = [-86_400, -3_600, -30, 30, 3_600, 86_400];
      clockOf(target)?.step(steps[Math.floor(dice * steps.length)] ?? 0);
      await sleep(forMs);
      clockOf(target)?.step(0);
    },
  },
  /** Every program is stopped in order and started from the newer checkout, one after the other. */
  update: {
    targets: ["all"],
    forMs: [0, 0],
    async harm({ subnet, newerCheckout }, { dice }) {
      const { coordinator, workers } = subnet;
      for (const program of dice < 0.5 ? [coordinator, ...workers] : [...workers, coordinator]) {
        await program.replace(newerCheckout);
      }
    },
  },
} as const satisfies Record<string, FaultKind>;

export type FaultName = keyof typeof faultKinds;
export const faultNames = Object.keys(faultKinds) as readonly FaultName[]; // of a constant

/** Faults of a run, at least and at most. */
const fewest = 2;
const most = 4;

/** @param allowed kinds to choose from, each as likely as the others */
export function scheduleOf(
  seed: number,
  workMs: number,
  allowed: readonly FaultName[],
): readonly Fault[] {
  const random = randomOf(seed);
  const pick = <Item>(items: readonly Item[]): Item =>
    items[Math.floor(random() * items.length)] as Item; // none of the lists is empty
  const count = fewest + Math.floor(random() * (most - fewest + 1));
  return Array.from({ length: count }, () => {
    const kind = pick(allowed);
    const { targets, forMs } = faultKinds[kind];
    return {
      ...{ kind, target: pick<string>(targets) },
      atMs: Math.round(random() * workMs),
      forMs: Math.round(forMs[0] + random() * (forMs[1] - forMs[0])),
      dice: random(),
    };
  }).toSorted((a, b) => a.atMs - b.atMs);
}

export function describe({ kind, target, atMs, forMs }: Fault): string {
  return `${kind} ${target} at ${(atMs / 1000).toFixed(1)} s for ${(forMs / 1000).toFixed(1)} s`;
}

/** Does all that is scheduled; resolves when everything has been made good. What ails one at a time comes in turn. */
export async function inflict(
  ground: Ground,
  schedule: readonly Fault[],
  onFault: (fault: Fault, what: "begins" | "is over") => void,
): Promise<void> {
  const turns = new Map<string, Promise<void>>();
  await Promise.all(
    schedule.map(async (fault) => {
      await sleep(fault.atMs);
      // The whole subnet's take turns with everything.
      const keys = subjectsOf(fault);
      const before = keys.map((key) => turns.get(key));
      const turn = (async () => {
        await Promise.all(before);
        onFault(fault, "begins");
        await faultKinds[fault.kind].harm(ground, fault);
        onFault(fault, "is over");
      })();
      for (const key of keys) {
        turns.set(key, turn);
      }
      await turn;
    }),
  );
}

/** Whom a partition leaves with each other: half of the times not one alone, but with a server of NATS beside it. */
export function cutOff({ target, dice }: Pick<Fault, "target" | "dice">): readonly string[] {
  const others = natsNames.filter((name) => name !== target);
  return [target, ...(dice < 0.5 ? [] : others.slice(0, 1))];
}

/** Whom a fault may touch. */
function subjectsOf({ kind, target }: Fault): readonly string[] {
  switch (kind) {
    case "kill-leader":
    case "lose-queue":
      return natsNames;
    case "lose-nats-disk":
      // Never while another server is away: what only the two had that are not there would be lost.
      return natsNames;
    case "update":
      return programs;
    case "partition":
      return ["network", target];
    default:
      return [target];
  }
}

function memberOf(subnet: Subnet, name: string): Member {
  const programs: readonly Program[] = [subnet.coordinator, ...subnet.workers];
  return programs.find((program) => program.name === name) ?? natsOf(subnet, name);
}

function natsOf({ nats }: Subnet, name: string): NatsMember {
  const found = nats.find((server) => server.name === name);
  if (found === undefined) {
    throw new Error(`nobody is named ${name}`);
  }
  return found;
}

/** What `/jsz` of a server says. */
interface JetStreamState {
  readonly disabled?: boolean;
  readonly meta_cluster?: { readonly leader?: string };
  readonly account_details?: readonly {
    readonly stream_detail?: readonly {
      readonly name: string;
      readonly cluster?: { readonly leader?: string };
    }[];
  }[];
}

/** Undefined when it does not answer. */
async function jetStreamOf({ monitor }: NatsMember): Promise<JetStreamState | undefined> {
  try {
    const signal = AbortSignal.timeout(1_000);
    const response = await fetch(`${monitor}/jsz?accounts=true&streams=true`, { signal });
    return (await response.json()) as JetStreamState; // the server's own words
  } catch {
    return undefined;
  }
}

/** The longest that servers may take to have all streams again, in ms. */
const healthyPatienceMs = 60_000;

/** Until every server has all of its streams up to date, as the probe of the manifests asks. */
async function untilHealthy(nats: readonly NatsMember[]): Promise<void> {
  const patience = AbortSignal.timeout(healthyPatienceMs);
  for (const { name, monitor } of nats) {
    while (!(await isHealthy(monitor))) {
      if (patience.aborted) {
        throw new Error(`${name} has not all of its streams after ${healthyPatienceMs} ms`);
      }
      await sleep(100);
    }
  }
}

async function isHealthy(monitor: string): Promise<boolean> {
  try {
    return (await fetch(`${monitor}/healthz`, { signal: AbortSignal.timeout(1_000) })).ok;
  } catch {
    return false;
  }
}

async function hasJetStream(server: NatsMember): Promise<boolean> {
  const state = await jetStreamOf(server);
  return state !== undefined && state.disabled !== true;
}

/** The name of the server that leads a stream, or `meta`; undefined when none does. */
async function leaderOf(nats: readonly NatsMember[], what: string): Promise<string | undefined> {
  for (const server of nats) {
    const state = await jetStreamOf(server);
    const stream = state?.account_details
      ?.flatMap(({ stream_detail: details = [] }) => details)
      .find(({ name }) => name === what);
    const leader = what === "meta" ? state?.meta_cluster?.leader : stream?.cluster?.leader;
    if (leader) {
      return leader;
    }
  }
  return undefined;
}
