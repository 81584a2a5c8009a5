import type { Chain } from "@turntable/bittensor/chain";
import { createDendrite } from "@turntable/bittensor/dendrite";
import type { Keypair } from "@turntable/bittensor/keys";
import { ping } from "@turntable/bittensor/synapse";

/** Names the validators of a subnet that answer, most staked first. */
export async function findValidators(hotkey: Keypair, chain: Chain, netuid: number) {
  await using dendrite = createDendrite({ hotkey });
  const { neurons } = await chain.metagraph(netuid);
  const staked = neurons.toSorted((a, b) => b.stakeTao - a.stakeTao);
  const asked = staked.map(async ({ axon, hotkey: target, validatorPermit }) => {
    if (axon === undefined || !validatorPermit) {
      return [];
    }
    const outcome = await dendrite.call(ping, { target: { ...axon, hotkey: target }, body: {} });
    return outcome.kind === "ok" ? [target] : [];
  });
  return (await Promise.all(asked)).flat();
}
