import type { Chain, ChainOutcome } from "@turntable/bittensor/chain";
import type { Keypair } from "@turntable/bittensor/keys";

/** What came of telling the chain an axon's address. */
export interface AxonAnnouncement {
  readonly netuid: number;
  /** As miners reach it. */
  readonly ip: string;
  readonly port: number;
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
  return { netuid, ip, port, outcome };
}
