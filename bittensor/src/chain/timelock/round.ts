/**
 * The drand round to encrypt to: published just before the first block of the epoch in which the chain reveals. Too
 * late a round and the commit is lost, too early and it can be read before.
 */
import { quicknet, TimelockError } from "./timelock.ts";

/** Blocks after its first that a reveal epoch gives the chain to fetch the signature. */
const blocksIntoEpoch = 3;
/** The chain runs an epoch at the latest after so many blocks without one. */
const maxBlocksWithoutEpoch = 50_400;

/** What the chain counts epochs by since it keeps `SubnetEpochIndex`, all read at one block. */
export interface EpochState {
  readonly lastEpochBlock: number;
  /** 0: none. */
  readonly pendingEpochAt: number;
  readonly subnetEpochIndex: bigint;
  readonly tempo: number;
  readonly blocksSinceLastStep: number;
  /** The block at which this was read. */
  readonly block: number;
}

export interface RoundOptions {
  /** Epochs from commit to reveal. */
  readonly periodEpochs: number;
  /** 12, or 0.25 on chains with fast blocks. */
  readonly blockTimeS: number;
  /** Unix seconds, with fractions. */
  readonly nowS: number;
}

/** The first block of the epoch in which a commit of the next block is revealed. @throws TimelockError for tempo 0 */
export function revealBlockOf(state: EpochState, periodEpochs: number): number {
  if (state.tempo === 0) {
    throw new TimelockError("the subnet has tempo 0 and thus no epochs");
  }
  let walked = state;
  let block = state.block + 1;
  const target = epochAt(walked, block) + BigInt(periodEpochs);
  const last = block + (periodEpochs + 1) * maxBlocksWithoutEpoch;
  while (epochAt(walked, block) !== target) {
    if (block > last) {
      throw new TimelockError("no reveal epoch was found");
    }
    walked = step(walked, block);
    block += 1;
  }
  return block;
}

/** The round for chains that keep `SubnetEpochIndex`. */
export function statefulRound(state: EpochState, options: RoundOptions): bigint {
  const revealBlock = revealBlockOf(state, options.periodEpochs);
  return roundAt(revealBlock, state.block, options);
}

export interface LegacyState {
  /** netuid + 4096 × mechanism */
  readonly storageIndex: number;
  readonly tempo: number;
  readonly block: number;
}

/** The first block of the reveal epoch where epochs follow from the block number alone. */
export function legacyRevealBlock(
  { storageIndex, tempo, block }: LegacyState,
  periodEpochs: number,
): number {
  const length = tempo + 1;
  const epoch = Math.floor((block + storageIndex + 1) / length);
  return (epoch + periodEpochs) * length - (storageIndex + 1);
}

/** The round for chains without `SubnetEpochIndex`. */
export function legacyRound(state: LegacyState, options: RoundOptions): bigint {
  return roundAt(legacyRevealBlock(state, options.periodEpochs), state.block, options);
}

/** Asked before the block's own step. */
function epochAt(state: EpochState, block: number): bigint {
  return state.subnetEpochIndex + (isDue(state, block) ? 1n : 0n);
}

function isDue(state: EpochState, block: number): boolean {
  if (state.pendingEpochAt > 0 && block >= state.pendingEpochAt) {
    return true;
  }
  if (state.blocksSinceLastStep > maxBlocksWithoutEpoch) {
    return true;
  }
  return block - state.lastEpochBlock >= state.tempo;
}

/** Counts first and asks then; the other way round is wrong near the limits. */
function step(state: EpochState, block: number): EpochState {
  const counted = { ...state, blocksSinceLastStep: state.blocksSinceLastStep + 1 };
  if (!isDue(counted, block)) {
    return counted;
  }
  return {
    ...counted,
    lastEpochBlock: block,
    pendingEpochAt: 0,
    subnetEpochIndex: state.subnetEpochIndex + 1n,
    blocksSinceLastStep: 0,
  };
}

/** The last round published before the block is due; without the usual +1, so that the chain has it already. */
function roundAt(revealBlock: number, block: number, { nowS, blockTimeS }: RoundOptions): bigint {
  const blocks = Math.max(0, revealBlock + blocksIntoEpoch - block);
  const seconds = nowS + blocks * blockTimeS - quicknet.genesis;
  return BigInt(Math.max(1, Math.floor(seconds / quicknet.period)));
}
