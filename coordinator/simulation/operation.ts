/**
 * A coordinator's day with the chain: its own weights loop, metagraph sync, records and clock on the chain in memory,
 * through outages, lost answers, forks, restarts, loss of stake and clocks that are set. Timers and blocks are driven.
 * What is asked of it: weights are set in each epoch in which they could be.
 */

import { mock } from "node:test";
import { setImmediate } from "node:timers/promises";
import {
  type Chain,
  ChainError,
  type ChainOutcome,
  createLocalChain,
  type LocalChain,
} from "@turntable/bittensor/chain";
import { keypairFromUri, ready } from "@turntable/bittensor/keys";
import { createRandom } from "@turntable/splat/test";
import { followRegistrations } from "../src/chain/index.ts";
import { createClock } from "../src/clock.ts";
import { createMiners } from "../src/miners/index.ts";
import type { RuleSet } from "../src/rules/index.ts";
import { createKnownHotkeys, openStore } from "../src/store/index.ts";
import { createAttempts, startWeights } from "../src/weights/index.ts";

export interface OperationOptions {
  readonly rules: RuleSet;
  /** Simulated hours. */
  readonly hours: number;
  /** The same seed gives the same day. */
  readonly seed: number;
  /** An empty folder for the coordinator's data. */
  readonly dataDir: string;
}

/** An epoch of the subnet. */
export interface EpochResult {
  /** Its first block. */
  readonly block: number;
  /** Blocks in which weights were due and could have been set. */
  readonly possible: number;
  /** The most of them in a row. */
  readonly longest: number;
  /** How often weights were set or committed. */
  readonly settings: number;
}

export interface OperationResult {
  readonly epochs: readonly EpochResult[];
  readonly settings: number;
  /** The most blocks in a row in which weights were due, could be set, and were not. */
  readonly longestWait: number;
  /** What happened, by kind. */
  readonly troubles: Readonly<Record<TroubleKind, number>>;
  /** The coordinator's own word on what was not as it should be, by kind of event. */
  readonly told: Readonly<Record<string, number>>;
}

/**
 * A back-off has 25 blocks at most, and begins when a trouble ends: whoever could set weights for longer and has not,
 * has missed something.
 */
export const mostWait = 30;

const blockMs = 12_000;
const blocksAnHour = 300;
const hourMs = 3_600_000;
const netuid = 17;
const startAt = 1_764_000_000_000;
const minerCount = 8;

/** What goes wrong in a day, how often, and for how many blocks. */
const plan = {
  /** The chain refuses connections. */
  away: { times: 6, blocks: [10, 200] },
  /** It takes them and does not answer; the library gives up after a minute. */
  silent: { times: 4, blocks: [10, 60] },
  /** It refuses what is sent. */
  refuses: { times: 6, blocks: [20, 200] },
  /** It takes what is sent, and its answer is lost. */
  loses: { times: 6, blocks: [20, 120] },
  /** It says that it took what was sent, and a fork undoes it. */
  forks: { times: 4, blocks: [20, 80] },
  /** The validator has too little stake. */
  poor: { times: 1, blocks: [100, 200] },
  /** The coordinator is down, and is started again. */
  down: { times: 8, blocks: [1, 60] },
  /** The machine's clock is set, by up to ten hours to either side. */
  clock: { times: 6, blocks: [1, 1] },
  /** The subnet switches between weights in the open and commits. */
  switches: { times: 2, blocks: [1, 1] },
} as const satisfies Record<string, { times: number; blocks: readonly [number, number] }>;
export type TroubleKind = keyof typeof plan;

interface Trouble {
  readonly kind: TroubleKind;
  readonly from: number;
  readonly to: number;
}

/** Plays `hours` hours. Timers are this process's own meanwhile: nothing else may run in it. */
export async function operate(options: OperationOptions): Promise<OperationResult> {
  await ready();
  const { rules, hours, seed } = options;
  const random = createRandom(seed);
  const total = Math.round(hours * blocksAnHour);
  const troubles = draw(random, total);
  const isOn = (kind: TroubleKind): boolean =>
    troubles.some((one) => one.kind === kind && one.from <= block && block < one.to);

  const hotkey = keypairFromUri("//Validator");
  await using chain = createLocalChain({ subnets: [{ netuid }] });
  chain.register({ netuid, hotkey: hotkey.ss58, stakeTao: 5_000 });
  const miners = Array.from({ length: minerCount }, (_, index) => `miner ${index}`);
  for (const miner of miners) {
    chain.register({ netuid, hotkey: miner });
  }

  mock.timers.enable({ apis: ["setTimeout"] });
  using _ = { [Symbol.dispose]: () => mock.timers.reset() };
  /** Since the begin, without steps; and by how much the machine's clock is off. */
  let passedMs = 0;
  let offMs = 0;
  let block = 0;
  const monotonic = (): number => passedMs;
  const wall = (): number => startAt + passedMs + offMs;
  const told: Record<string, number> = {};
  const seen = troubledChain(chain, isOn);

  const start = async () => {
    await using stack = new AsyncDisposableStack();
    const store = stack.use(openStore(options.dataDir));
    const now = createClock({ wall, monotonic });
    const records = createMiners(store, rules);
    records.boundCooldowns(now());
    const registrations = stack.use(
      await settled(
        followRegistrations({
          ...{ chain: seen, netuids: [netuid], validators: [hotkey.ss58] },
          ...{ strongCount: 0, everyMs: rules.metagraphSyncMs, memory: createKnownHotkeys(store) },
          onTrouble: () => {},
        }),
      ),
    );
    stack.use(
      startWeights({
        ...{ place: { netuid, hotkey }, chain: seen, rules, now, attempts: createAttempts(store) },
        rewardsOf: (hotkeys, at) =>
          new Map(hotkeys.map((key) => [key, records.get(key, at).reward])),
        onEvent({ kind }) {
          told[kind] = (told[kind] ?? 0) + 1;
        },
        onTrouble: () => {},
      }),
    );
    const running = stack.move();
    return {
      ...{ records, registrations, now },
      [Symbol.asyncDispose]: () => running.disposeAsync(),
    };
  };
  /** Lets timers run until the promise is settled: what it waits for may be one of them. */
  const settled = async <T>(promise: Promise<T>): Promise<T> => {
    let isSettled = false;
    const end = promise.finally(() => {
      isSettled = true;
    });
    end.catch(() => undefined);
    while (!isSettled) {
      await setImmediate();
      if (!isSettled) {
        pass(1_000);
      }
    }
    return await end;
  };
  const pass = (ms: number): void => {
    passedMs += ms;
    mock.timers.tick(ms);
  };

  const epochs = new Map<number, { possible: number; longest: number; settings: number }>();
  let running: Awaited<ReturnType<typeof start>> | undefined = await start();
  let settings = 0;
  let wait = 0;
  let longestWait = 0;
  const work = (): void => {
    for (const [index, miner] of miners.entries()) {
      // Each has accepted work about every ten minutes, the first after half an hour.
      if (running !== undefined && block >= blocksAnHour / 2 && (block + 7 * index) % 50 === 0) {
        const createdAt = new Date(running.now());
        running.records.applyScore(
          { id: `${miner} ${block}`, hotkey: miner, createdAt },
          ...([0.75 + random() / 4, running.now()] as const),
        );
      }
    }
  };
  const isPossible = async (): Promise<boolean> => {
    const { neurons } = await chain.metagraph(netuid);
    const neuron = neurons.find((one) => one.hotkey === hotkey.ss58);
    const barred = ["away", "silent", "refuses", "loses", "forks", "poor"] as const;
    if (running === undefined || neuron === undefined || barred.some(isOn)) {
      return false;
    }
    const { records, now } = running;
    const isWarm = miners.some((miner) => records.get(miner, now()).reward > 0);
    const { weightsRateLimit } = await chain.hyperparameters(netuid);
    const interval = Math.max(rules.weights.intervalBlocks, weightsRateLimit);
    return isWarm && neuron.lastUpdate + interval <= (await chain.blockNumber());
  };

  for (block = 0; block < total; block++) {
    for (const { kind, from } of troubles) {
      if (from === block && kind === "clock") {
        offMs += Math.round((random() * 2 - 1) * 10 * hourMs);
      }
      if (from === block && kind === "switches") {
        const { commitRevealEnabled } = await chain.hyperparameters(netuid);
        chain.setHyperparameters(netuid, { commitRevealEnabled: !commitRevealEnabled });
      }
    }
    chain.setStake(hotkey.ss58, isOn("poor") ? 999 : 5_000);
    if (isOn("down") && running !== undefined) {
      await settled(running[Symbol.asyncDispose]());
      running = undefined;
    } else if (!isOn("down") && running === undefined) {
      running = await start();
    }
    work();
    const before = await lastUpdate(chain, hotkey.ss58);
    const wasPossible = await isPossible();
    for (let ms = 0; ms < blockMs; ms += blockMs / 4) {
      pass(blockMs / 4);
      await setImmediate();
      await setImmediate();
    }
    const isSet = (await lastUpdate(chain, hotkey.ss58)) > before;
    wait = wasPossible && !isSet ? wait + 1 : 0;
    longestWait = Math.max(longestWait, wait);
    settings += isSet ? 1 : 0;
    const { lastEpochBlock } = chain.ledger.subnets.get(netuid) ?? { lastEpochBlock: 0 };
    const epoch = epochs.get(lastEpochBlock) ?? { possible: 0, longest: 0, settings: 0 };
    epochs.set(lastEpochBlock, {
      possible: epoch.possible + (wasPossible ? 1 : 0),
      longest: Math.max(epoch.longest, wait),
      settings: epoch.settings + (isSet ? 1 : 0),
    });
    chain.advance(1);
  }
  if (running !== undefined) {
    await settled(running[Symbol.asyncDispose]());
  }
  const counts = Object.keys(plan).map((kind) => [
    kind,
    troubles.filter((one) => one.kind === kind).length,
  ]);
  return {
    ...{ settings, longestWait, told },
    troubles: Object.fromEntries(counts),
    epochs: Array.from(epochs, ([first, epoch]) => ({ block: first, ...epoch })),
  };
}

/** Epochs in which weights could be set for longer than any back-off, and were not. */
export function missed({ epochs }: Pick<OperationResult, "epochs">): readonly EpochResult[] {
  return epochs.filter(({ settings, longest }) => settings === 0 && longest > mostWait);
}

/** As many troubles as a day has, in as many blocks as there are. */
function draw(random: () => number, total: number): readonly Trouble[] {
  const days = total / (24 * blocksAnHour);
  return Object.entries(plan).flatMap(([kind, { times, blocks }]) => {
    const [least, most] = blocks;
    return Array.from({ length: Math.max(1, Math.round(times * days)) }, () => {
      const from = Math.floor(random() * total);
      const length = Math.round(least + random() * (most - least));
      return { kind: kind as TroubleKind, from, to: from + length }; // the keys of a constant
    });
  });
}

async function lastUpdate(chain: Chain, hotkey: string): Promise<number> {
  const { neurons } = await chain.metagraph(netuid);
  return neurons.find((neuron) => neuron.hotkey === hotkey)?.lastUpdate ?? 0;
}

/** The chain as the coordinator sees it. */
function troubledChain(chain: LocalChain, isOn: (kind: TroubleKind) => boolean) {
  /** As the real chain's connection: it rejects at once when there is none, and after a minute without an answer. */
  const reach = async (): Promise<void> => {
    if (isOn("away")) {
      throw new ChainError("the chain is away");
    }
    if (isOn("silent")) {
      await new Promise((resolve) => setTimeout(resolve, 60_000));
      throw new ChainError("the chain does not answer");
    }
  };
  const setWeights: Chain["setWeights"] = async (set): Promise<ChainOutcome> => {
    await reach();
    if (isOn("refuses")) {
      return { kind: "refused", name: "Priority", message: "the pool is full" };
    }
    if (isOn("forks")) {
      return { kind: "included", block: await chain.blockNumber(), revealRound: undefined };
    }
    const outcome = await chain.setWeights(set);
    return isOn("loses") ? { kind: "unknown", message: "the connection broke" } : outcome;
  };
  return {
    blockNumber: () => reach().then(() => chain.blockNumber()),
    metagraph: (of: number) => reach().then(() => chain.metagraph(of)),
    hyperparameters: (of: number) => reach().then(() => chain.hyperparameters(of)),
    weights: (of: number, uid: number) => reach().then(() => chain.weights(of, uid)),
    setWeights,
  };
}
