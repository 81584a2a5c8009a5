/** The fields of SubmitResults that we read, and what they must be before anything is kept. */
import type { Payload } from "@turntable/bittensor/axon";

export interface Results {
  readonly taskId: string;
  /** The prompt that came along with the task (2024); undefined when none did. */
  readonly prompt: string | undefined;
  /** The asset, decoded; empty when the miner gives the task back. */
  readonly asset: Payload;
  /** Lets go of the asset: it is on disk, or not needed. */
  readonly release: () => void;
  readonly dataFormat: string;
  readonly dataVersion: number;
  readonly compression: number;
  /** Nanoseconds since 1970 by the miner's clock. */
  readonly submitTime: bigint;
  /** base64 */
  readonly signature: string;
  /** Whether the miner signed the text with these 64 bytes. */
  readonly hasSigned: (text: string, signature: Uint8Array) => Promise<boolean>;
}

/** What job and API can carry (uint32). */
const maxUint32 = 2 ** 32 - 1;
/** Formats are words such as `ply`. */
const formatWord = /^[A-Za-z0-9._-]{1,32}$/;
/** How far a miner's clock may be from ours, in ms: a day. */
const clockReachMs = 86_400_000;
const nanosecondsOfMs = 1_000_000n;

/**
 * Why the submission cannot be taken, for the miner; undefined when job and API can carry it.
 * @param now ms since 1970 UTC
 */
export function problemOf(
  fields: Pick<Results, "dataFormat" | "dataVersion" | "compression" | "submitTime">,
  now: number,
): string | undefined {
  if (!formatWord.test(fields.dataFormat)) {
    return "data_format is not 1 to 32 letters, digits, dots, dashes or underscores";
  }
  const numbers = { data_ver: fields.dataVersion, compression: fields.compression };
  for (const [name, value] of Object.entries(numbers)) {
    if (!(Number.isInteger(value) && value >= 0 && value <= maxUint32)) {
      return `${name} is ${value}; 0 to ${maxUint32} are possible`;
    }
  }
  const off = fields.submitTime / nanosecondsOfMs - BigInt(Math.floor(now));
  if (off > clockReachMs || off < -clockReachMs) {
    return "submit_time is more than a day from the validator's clock; it is in nanoseconds since 1970";
  }
  return undefined;
}
