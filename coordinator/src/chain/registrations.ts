/**
 * Who is registered on our subnets, kept in step with the chain.
 *
 * R1 A chain that is away leaves what was known: miners are served on.
 */
import type { Chain } from "@turntable/bittensor/chain";
import { startLoop } from "@turntable/process";

export interface Registrations extends AsyncDisposable {
  /** Whether the hotkey (ss58) is registered on the subnet. */
  has(netuid: number, hotkey: string): boolean;
  /** Every hotkey that is registered on one of the subnets, but for the validators' own. */
  miners(): ReadonlySet<string>;
}

export interface RegistrationOptions {
  readonly chain: Pick<Chain, "metagraph">;
  readonly netuids: readonly number[];
  /** Hotkeys (ss58) that are ours, and no miner's. */
  readonly validators: readonly string[];
  /** Between two looks at the chain, in ms. */
  readonly everyMs: number;
  /** A subnet could not be read; what was known of it is used. */
  readonly onTrouble: (what: string, error: unknown) => void;
  /** Called after each look, with whether a hotkey (ss58) is registered on one of the subnets. */
  readonly onRead?: (isRegistered: (hotkey: string) => boolean) => void;
}

/**
 * Reads the subnets once, then again and again until it is disposed.
 * @throws what the chain throws when a subnet cannot be read the first time
 */
export async function followRegistrations(options: RegistrationOptions): Promise<Registrations> {
  const { chain } = options;
  const netuids = [...new Set(options.netuids)];
  const validators = new Set(options.validators);
  const hotkeys = new Map<number, ReadonlySet<string>>();
  const read = async (netuid: number, signal?: AbortSignal): Promise<void> => {
    const { neurons } = await chain.metagraph(netuid, signal);
    hotkeys.set(netuid, new Set(neurons.map(({ hotkey }) => hotkey)));
  };
  const isAnywhere = (hotkey: string): boolean =>
    netuids.some((netuid) => hotkeys.get(netuid)?.has(hotkey));
  for (const netuid of netuids) await read(netuid);
  options.onRead?.(isAnywhere);
  const loop = startLoop({
    everyMs: options.everyMs,
    async run(signal) {
      for (const netuid of netuids) {
        try {
          await read(netuid, signal);
        } catch (error) {
          if (signal.aborted) return;
          options.onTrouble(
            `subnet ${netuid} could not be read from the chain; what was known of it is used`, // R1
            error,
          );
        }
      }
      options.onRead?.(isAnywhere);
    },
    onTrouble: (error) => options.onTrouble("the subnets could not be read", error),
  });
  return {
    has: (netuid, hotkey) => hotkeys.get(netuid)?.has(hotkey) ?? false,
    miners() {
      const all = netuids.flatMap((netuid) => [...(hotkeys.get(netuid) ?? [])]);
      return new Set(all.filter((hotkey) => !validators.has(hotkey)));
    },
    [Symbol.asyncDispose]: () => loop[Symbol.asyncDispose](),
  };
}
