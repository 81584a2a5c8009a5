import { BlockList, isIPv6 } from "node:net";
import type { Chain, ChainOutcome, Neuron } from "@turntable/bittensor/chain";
import type { Keypair } from "@turntable/bittensor/keys";
import { type Loop, startLoop } from "@turntable/process";

/** What came of telling the chain an axon's address. */
export interface AxonAnnouncement {
  readonly netuid: number;
  /** As miners reach it. */
  readonly ip: string;
  readonly port: number;
  /** Nobody outside of its own network can reach it. */
  readonly isPrivate: boolean;
  readonly outcome: ChainOutcome;
}

/** An axon of ours. */
export interface AnnouncedPlace {
  readonly netuid: number;
  readonly hotkey: Keypair;
  readonly port: number;
}

export interface AnnouncingOptions {
  readonly chain: Pick<Chain, "serveAxon">;
  readonly places: readonly AnnouncedPlace[];
  readonly outside: {
    /** As miners reach this machine; nothing is announced without it. */
    readonly externalIp?: string | undefined;
    /** Announced instead of the first axon's port; others are announced with their own. */
    readonly externalPort?: number | undefined;
  };
  /** A hotkey's neuron as the chain said last; undefined when it is not registered, or the chain was not read yet. */
  readonly neuronOf: (netuid: number, hotkey: string) => Pick<Neuron, "axon"> | undefined;
  /** Throws when another coordinator may lead, whose address it is then. It does not when absent. */
  readonly settled?: (() => Promise<void>) | undefined;
  readonly onAnnounced: (announcement: AxonAnnouncement) => void;
  readonly onTrouble: (what: string, error: unknown) => void;
  /** Between two looks, in ms. */
  readonly everyMs?: number;
  /** ms since 1970 UTC */
  readonly now: () => number;
}

/** Between two looks whether the chain says what it should, in ms. */
const lookEveryMs = 60_000;
/**
 * From an announcement to the next at least, doubled with each one in a row: longer than the ten minutes of the chain's own
 * limit, and of the rules between two looks at the subnet.
 */
const firstPauseMs = 900_000;
const longestPauseMs = 24 * 3_600_000;

/**
 * Tells the chain of all axons, where an outside address is known, and again when the chain was away, or says something
 * else by now, as after a new registration. Neither a chain that is away nor one that refuses stops anything: miners that
 * know the address from before go on. Resolves after the first try.
 */
export async function startAnnouncing(options: AnnouncingOptions): Promise<Loop> {
  const { externalIp: ip, externalPort } = options.outside;
  const axons = options.places.map((place, index) => ({
    ...place,
    port: index === 0 ? (externalPort ?? place.port) : place.port,
    /** The chain has not answered yet. */
    isDue: true,
    tries: 0,
    notBefore: 0,
  }));
  const look = async (signal: AbortSignal | undefined): Promise<void> => {
    for (const axon of ip === undefined ? [] : axons) {
      const { netuid, hotkey, port } = axon;
      const neuron = options.neuronOf(netuid, hotkey.ss58);
      const known = neuron?.axon;
      const isTold = known !== undefined && known.ip === ip && known.port === port;
      if (isTold) {
        axon.tries = 0;
      }
      const isOther = neuron !== undefined && !isTold && options.now() >= axon.notBefore;
      if (ip === undefined || !(axon.isDue || isOther)) {
        continue;
      }
      try {
        await options.settled?.();
        const outcome = await options.chain.serveAxon(
          { netuid, hotkey, address: { ip, port } },
          signal,
        );
        axon.isDue = false;
        axon.notBefore = options.now() + Math.min(longestPauseMs, firstPauseMs * 2 ** axon.tries);
        axon.tries += 1;
        options.onAnnounced({ netuid, ip, port, isPrivate: isPrivateAddress(ip), outcome });
      } catch (error) {
        if (!signal?.aborted) {
          options.onTrouble("the chain is away and was not told the axon's address", error);
        }
      }
    }
  };
  await look(undefined);
  return startLoop({
    everyMs: options.everyMs ?? lookEveryMs,
    run: look,
    onTrouble: (error) => options.onTrouble("axons could not be announced", error),
  });
}

/**
 * Source: the IANA registries of special-purpose addresses. Loopback is not among them: the real chain refuses it, and
 * one that takes it is for miners on this machine.
 */
const privateRanges = new BlockList();
for (const [net, bits] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
] as const) {
  privateRanges.addSubnet(net, bits, "ipv4");
}
for (const [net, bits] of [
  ["::", 128],
  ["fc00::", 7],
  ["fe80::", 10],
] as const) {
  privateRanges.addSubnet(net, bits, "ipv6");
}

export function isPrivateAddress(ip: string): boolean {
  return privateRanges.check(ip, isIPv6(ip) ? "ipv6" : "ipv4");
}
