import { BlockList, isIPv6 } from "node:net";
import type { Chain, ChainOutcome } from "@turntable/bittensor/chain";
import type { Keypair } from "@turntable/bittensor/keys";

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

/**
 * Tells the chain where miners reach an axon. A chain that does not take it stops nothing: miners that know the address
 * from before go on, so the refusal is told by the outcome.
 * @throws what the chain throws when it cannot be reached
 */
export async function announceAxon(
  chain: Pick<Chain, "serveAxon">,
  axon: { readonly netuid: number; readonly hotkey: Keypair; readonly port: number },
  ip: string,
): Promise<AxonAnnouncement> {
  const { netuid, hotkey, port } = axon;
  const outcome = await chain.serveAxon({ netuid, hotkey, address: { ip, port } });
  return { netuid, ip, port, isPrivate: isPrivateAddress(ip), outcome };
}

/**
 * Tells the chain of all axons, where an outside address is known. A chain that is away stops nothing: miners that know
 * the address from before find it, and the next start with the chain there announces it.
 */
export async function announceAxons(
  chain: Pick<Chain, "serveAxon">,
  places: readonly { readonly netuid: number; readonly hotkey: Keypair; readonly port: number }[],
  outside: {
    /** As miners reach this machine; nothing is announced without it. */
    readonly externalIp?: string | undefined;
    /** Announced instead of the first axon's port; others are announced with their own. */
    readonly externalPort?: number | undefined;
  },
  told: {
    readonly onAnnounced: (announcement: AxonAnnouncement) => void;
    readonly onTrouble: (what: string, error: unknown) => void;
  },
): Promise<void> {
  const { externalIp, externalPort } = outside;
  if (externalIp === undefined) {
    return;
  }
  for (const [index, place] of places.entries()) {
    const port = index === 0 ? (externalPort ?? place.port) : place.port;
    try {
      told.onAnnounced(await announceAxon(chain, { ...place, port }, externalIp));
    } catch (error) {
      told.onTrouble("the chain is away and was not told the axon's address", error);
    }
  }
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
