/**
 * Who is registered on our subnets, and with what, kept in step with the chain.
 *
 * R1 A chain that is away leaves what was known: miners are served on, also by a coordinator that starts meanwhile.
 * R2 A subnet without anybody is no truth: it has an owner at least. It is taken for a chain that is away.
 */
import type { Chain, Neuron } from "@turntable/bittensor/chain";
import { startLoop } from "@turntable/process";

export interface Registrations extends AsyncDisposable {
  /** Whether the hotkey (ss58) is registered on the subnet. */
  has(netuid: number, hotkey: string): boolean;
  /** Every hotkey that is registered on one of the subnets, but for the validators' own. */
  miners(): ReadonlySet<string>;
  /** Whether the hotkey (ss58) is among those with the highest incentive on one of the subnets. */
  isStrong(hotkey: string): boolean;
  /** What the chain said last of a hotkey (ss58): its uid, stake, permit; undefined when it is not registered. */
  neuron(netuid: number, hotkey: string): Neuron | undefined;
  /** The block of the subnet's latest look. */
  block(netuid: number): number;
  /** How long ago that look was, in ms; undefined when there was none since the start. */
  ageMs(netuid: number): number | undefined;
}

export interface RegistrationMemory {
  /** The hotkeys (ss58) of the subnet; empty when nothing is remembered. */
  load(netuid: number): ReadonlySet<string>;
  save(netuid: number, hotkeys: ReadonlySet<string>): void;
}

/** When a chain that was away is asked again, in ms. */
const awayRetryMs = 30_000;
/** A subnet that was not read in this time is taken for one whose chain is away, in ms. */
const lookMs = 45_000;

export interface RegistrationOptions {
  readonly chain: Pick<Chain, "metagraph">;
  readonly netuids: readonly number[];
  /** Hotkeys (ss58) that are ours, and no miner's. */
  readonly validators: readonly string[];
  /** So many miners with the highest incentive are strong. */
  readonly strongCount: number;
  /** Between two looks at the chain, in ms; one that was away is looked at sooner. */
  readonly everyMs: number;
  /** What was known when this was last written, over restarts. */
  readonly memory?: RegistrationMemory;
  /** A subnet could not be read; what was known of it is used. */
  readonly onTrouble: (what: string, error: unknown) => void;
  /** Called after each look, with whether a hotkey (ss58) is registered on one of the subnets. */
  readonly onRead?: (isRegistered: (hotkey: string) => boolean) => void;
}

/**
 * Reads the subnets once, then again and again until it is disposed.
 * @throws what the chain throws when a subnet cannot be read the first time, and nothing is remembered of it
 */
export async function followRegistrations(options: RegistrationOptions): Promise<Registrations> {
  const { chain } = options;
  const netuids = [...new Set(options.netuids)];
  const validators = new Set(options.validators);
  const hotkeys = new Map<number, ReadonlySet<string>>();
  const looks = new Map<number, Look>();
  const read = async (netuid: number, signal?: AbortSignal): Promise<void> => {
    const { block, neurons } = await chain.metagraph(netuid, signal);
    const found = new Set(neurons.map(({ hotkey }) => hotkey));
    if (found.size === 0) {
      throw new Error(`the chain says that nobody is on subnet ${netuid}`); // R2
    }
    const known = hotkeys.get(netuid);
    hotkeys.set(netuid, found);
    const isAsKnown = known?.size === found.size && [...found].every((hotkey) => known.has(hotkey));
    if (!isAsKnown) {
      options.memory?.save(netuid, found);
    }
    const byHotkey = new Map(neurons.map((neuron) => [neuron.hotkey, neuron]));
    const strong = strongest(neurons, options.strongCount);
    looks.set(netuid, { block, byHotkey, strong, at: performance.now() });
  };
  /** @returns whether all could be read */
  const readAll = async (signal?: AbortSignal): Promise<boolean> => {
    let isWhole = true;
    for (const netuid of netuids) {
      try {
        // With nothing to go by there is nothing to do but wait.
        const patience = hotkeys.has(netuid) ? AbortSignal.timeout(lookMs) : undefined;
        await read(netuid, AbortSignal.any([signal, patience].filter((s) => s !== undefined)));
      } catch (error) {
        if (signal?.aborted) {
          return false;
        }
        if (hotkeys.get(netuid) === undefined) {
          throw error; // at the start, with nothing to go by
        }
        isWhole = false;
        options.onTrouble(
          `subnet ${netuid} could not be read from the chain; what was known of it is used`, // R1
          error,
        );
      }
    }
    options.onRead?.((hotkey) => netuids.some((netuid) => hotkeys.get(netuid)?.has(hotkey)));
    return isWhole;
  };
  for (const netuid of netuids) {
    const remembered = options.memory?.load(netuid) ?? new Set();
    if (remembered.size > 0) {
      hotkeys.set(netuid, remembered);
    }
  }
  let isWhole = await readAll();
  let sinceMs = 0;
  const periodMs = Math.min(options.everyMs, awayRetryMs);
  const loop = startLoop({
    everyMs: periodMs,
    async run(signal) {
      sinceMs += periodMs;
      if (isWhole && sinceMs < options.everyMs) {
        return;
      }
      sinceMs = 0;
      isWhole = await readAll(signal);
    },
    onTrouble: (error) => options.onTrouble("the subnets could not be read", error),
  });
  return {
    has: (netuid, hotkey) => hotkeys.get(netuid)?.has(hotkey) ?? false,
    miners() {
      const all = netuids.flatMap((netuid) => [...(hotkeys.get(netuid) ?? [])]);
      return new Set(all.filter((hotkey) => !validators.has(hotkey)));
    },
    isStrong: (hotkey) => netuids.some((netuid) => looks.get(netuid)?.strong.has(hotkey)),
    neuron: (netuid, hotkey) => looks.get(netuid)?.byHotkey.get(hotkey),
    block: (netuid) => looks.get(netuid)?.block ?? 0,
    ageMs(netuid) {
      const look = looks.get(netuid);
      return look === undefined ? undefined : performance.now() - look.at;
    },
    [Symbol.asyncDispose]: () => loop[Symbol.asyncDispose](),
  };
}

/** What one look at a subnet found. */
interface Look {
  readonly block: number;
  readonly byHotkey: ReadonlyMap<string, Neuron>;
  readonly strong: ReadonlySet<string>;
  /** By the process's own clock, in ms. */
  readonly at: number;
}

/** Hotkeys of the neurons with the highest incentive; one that has none is not strong, however few there are. */
function strongest(neurons: readonly Neuron[], count: number): ReadonlySet<string> {
  const ranked = neurons
    .filter(({ incentive }) => incentive > 0)
    .toSorted((a, b) => b.incentive - a.incentive);
  return new Set(ranked.slice(0, count).map(({ hotkey }) => hotkey));
}
