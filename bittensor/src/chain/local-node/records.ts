/** What the ledger holds, under the names of the runtime's structs. */
import type { LocalChain } from "../index.ts";
import type { LedgerAxon, LedgerSubnet } from "../ledger.ts";

export const raoPerTao = 1e9;

export function neuronOf(chain: LocalChain, netuid: number, uid: number) {
  const subnet = chain.ledger.subnets.get(netuid);
  const neuron = subnet?.neurons[uid];
  const total = BigInt(Math.round(chain.ledger.stakeTaoOf(neuron?.hotkey ?? "") * raoPerTao));
  return {
    hotkey: neuron?.hotkey,
    coldkey: neuron?.coldkey,
    uid,
    netuid,
    active: true,
    axon_info: axonOf(subnet?.axons.get(neuron?.hotkey ?? "")),
    stake: [[neuron?.coldkey, total]],
    total,
    incentive: Math.floor((neuron?.incentive ?? 0) * 65535),
    last_update: neuron?.lastUpdate,
    validator_permit: neuron?.validatorPermit,
    weights: Array.from(neuron?.weights ?? []),
    bonds: [],
  };
}

export function axonOf(axon: LedgerAxon | undefined) {
  if (axon === undefined) {
    return undefined;
  }
  const { block, version, ip, port, protocol } = axon;
  return { block, version, ip, port, ip_type: axon.ipType, protocol };
}

/** All that any version of the subnet's hyperparameters has; the order is that of 2024, which goes to the difficulty. */
export function hyperparametersOf({ hyperparameters: hyper }: LedgerSubnet) {
  return {
    rho: 10,
    kappa: 32767,
    immunity_period: hyper.immunityPeriod,
    min_allowed_weights: hyper.minAllowedWeights,
    max_weights_limit: hyper.maxWeightsLimit,
    tempo: hyper.tempo,
    min_difficulty: 0,
    max_difficulty: 0,
    weights_version: hyper.weightsVersion,
    weights_rate_limit: hyper.weightsRateLimit,
    adjustment_interval: 360,
    activity_cutoff: 5000,
    registration_allowed: true,
    target_regs_per_interval: 1,
    min_burn: 0,
    max_burn: 0,
    bonds_moving_avg: 900_000,
    max_regs_per_block: 1,
    serving_rate_limit: hyper.servingRateLimit,
    max_validators: hyper.maxValidators,
    adjustment_alpha: 0,
    difficulty: 0,
    commit_reveal_period: hyper.commitRevealPeriod,
    commit_reveal_weights_enabled: hyper.commitRevealEnabled,
    alpha_high: 0,
    alpha_low: 0,
    liquid_alpha_enabled: false,
    yuma_version: 3,
    subnet_is_active: true,
    transfers_enabled: true,
    bonds_reset_enabled: false,
    user_liquidity_enabled: false,
  };
}

/** The runtime's types of those that are no Compact<u16>. */
export const wideHyperparameters: ReadonlySet<string> = new Set([
  "min_difficulty",
  "max_difficulty",
  "weights_version",
  "weights_rate_limit",
  "min_burn",
  "max_burn",
  "bonds_moving_avg",
  "serving_rate_limit",
  "adjustment_alpha",
  "difficulty",
  "commit_reveal_period",
]);
