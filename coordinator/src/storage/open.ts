/** The places that are configured, opened. */
import type { QueueLimits, QueueTarget } from "./queue.ts";
import type { S3Options } from "./s3.ts";
import { type StartStorage, type Storage, startStorage } from "./storage.ts";
import {
  createSubnet21,
  type Subnet21Options,
  subnet21MaxBytes,
  subnet21Name,
} from "./subnet21.ts";
import type { StorageTarget } from "./target.ts";

export interface StorageOptions {
  readonly subnet21?: Pick<Subnet21Options, "netuid" | "ttlS"> | undefined;
  readonly s3?: S3Options | undefined;
  readonly queue: QueueLimits;
}

export const defaultStorage: StorageOptions = {
  queue: { assets: 256, bytes: 2 * 1024 ** 3 },
};

const s3Name = "s3";

/** What may be queued for each place. */
export function targetsOf({ subnet21, s3 }: StorageOptions): readonly QueueTarget[] {
  return [
    ...(subnet21 === undefined ? [] : [{ name: subnet21Name, maxAssetBytes: subnet21MaxBytes }]),
    ...(s3 === undefined ? [] : [{ name: s3Name, maxAssetBytes: Number.MAX_SAFE_INTEGER }]),
  ];
}

/** Starts to store at each place. */
export async function openStorage(
  { subnet21, s3 }: StorageOptions,
  parts: Omit<StartStorage, "targets"> & Pick<Subnet21Options, "chain" | "hotkey">,
): Promise<Storage> {
  const targets: StorageTarget[] = [];
  if (subnet21 !== undefined) {
    targets.push(createSubnet21({ ...subnet21, ...parts }));
  }
  if (s3 !== undefined) {
    const { createS3 } = await import("./s3.ts"); // its SDK is large: nobody else pays for it
    targets.push(createS3(s3Name, s3));
  }
  return startStorage({ ...parts, targets });
}
