/** For how long things are kept, and how much of them. */
export interface RetentionLimits {
  /** Accepted assets of clients' tasks, from their verdict on; ms. */
  readonly resultMs: number;
  /** All other assets (rejected, invalid, of synthetic tasks), from their verdict on; ms. */
  readonly otherAssetMs: number;
  /** All assets together; above it the oldest go first, results after all others. Those that wait stay. */
  readonly assetBytes: number;
  /** A client's task with its events, assignments and reports, from its end on; ms. */
  readonly organicTaskMs: number;
  /** A synthetic one; ms. */
  readonly syntheticTaskMs: number;
  /** The database; above it the oldest ended tasks go first, clients' after synthetic ones. */
  readonly databaseBytes: number;
}

const dayMs = 24 * 3_600_000;
const gibibyte = 1024 ** 3;

/**
 * Sane for a disk of 100 GiB. At full load three days of synthetic tasks are 6.6 GB of database by the rules `seed` and
 * 1.3 GB by those of `2025` (k8s/SIZING.md), so that the age decides, and not the size.
 */
export const defaultRetention: RetentionLimits = {
  resultMs: 30 * dayMs,
  otherAssetMs: dayMs,
  assetBytes: 50 * gibibyte,
  organicTaskMs: 90 * dayMs,
  syntheticTaskMs: 3 * dayMs,
  databaseBytes: 8 * gibibyte,
};
