import { openDatabase } from "./database.ts";
import { createOutbox, type Outbox } from "./outbox.ts";
import {
  createGenerationRecords,
  createValidatorRecords,
  type GenerationRecords,
  type ValidatorRecords,
} from "./records.ts";
import { type MinerStanding, standingOf } from "./standing.ts";

export { MinerStoreError } from "./database.ts";
export type {
  Ending,
  Feedback,
  Generated,
  Generating,
  Made,
  Outbox,
  Packed,
  PulledTask,
  Signed,
  Submission,
  TaskInHand,
  Work,
} from "./outbox.ts";
export type { GenerationRecords, ValidatorRecords } from "./records.ts";
export { type MinerStanding, readStanding, type ValidatorStanding } from "./standing.ts";

/** All that has to survive. */
export interface MinerStore extends Disposable {
  readonly outbox: Outbox;
  readonly validators: ValidatorRecords;
  readonly generations: GenerationRecords;
  /** @param now ms since 1970 UTC */
  standing(now: number): MinerStanding;
}

/**
 * @param directory the miner's own folder; undefined keeps everything in memory
 * @throws MinerStoreError
 */
export function openMinerStore(directory: string | undefined): MinerStore {
  const database = openDatabase(directory);
  return {
    outbox: createOutbox(database),
    validators: createValidatorRecords(database),
    generations: createGenerationRecords(database),
    standing: (now) => standingOf(database, now),
    [Symbol.dispose]: () => database[Symbol.dispose](),
  };
}
