/**
 * A store that speaks S3: each asset is an object named by its SHA-256, and beside it one with what is known of it.
 * Credentials are the AWS SDK's own affair: its environment variables, its files, the machine's role.
 */
import {
  PutObjectCommand,
  type PutObjectCommandInput,
  S3Client,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import { StorageAwayError, type StorageTarget, type StoredItem } from "./target.ts";

export interface S3Options {
  readonly bucket: string;
  readonly region: string;
  /** Where it is; undefined for AWS itself. */
  readonly endpoint: string | undefined;
  /** In front of each object's name, e.g. `assets/`. */
  readonly prefix: string;
}

/** What such a store says when nothing at all can be stored, and waiting or an operator can mend it. */
const awayStatus = new Set([401, 403, 404, 429, 500, 502, 503, 504]);
const preconditionFailed = 412;
const notImplemented = 501;

/** @param name of the target */
export function createS3(name: string, options: S3Options): StorageTarget {
  const { bucket, region, endpoint, prefix } = options;
  const client = new S3Client({
    region,
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    maxAttempts: 1, // tries are counted by the queue
    // Checksums of a newer kind are unknown to many stores; the content's hash is its name.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
  });
  let canAsk = true;
  /** What is there already stays, where the store can tell. */
  const put = async (
    input: Omit<PutObjectCommandInput, "Bucket">,
    signal: AbortSignal,
  ): Promise<void> => {
    const condition = canAsk ? { IfNoneMatch: "*" } : {};
    const command = new PutObjectCommand({ ...input, ...condition, Bucket: bucket });
    try {
      await client.send(command, { abortSignal: signal });
    } catch (error) {
      const status = statusOf(error);
      if (status === notImplemented && canAsk) {
        canAsk = false; // the same bytes under the same name are no harm
        await put(input, signal);
      } else if (status !== preconditionFailed) {
        const said = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
        throw status === undefined || awayStatus.has(status)
          ? new StorageAwayError(said, { cause: error })
          : new Error(said, { cause: error });
      }
    }
  };
  return {
    name,
    keepsMs: undefined,
    async store(item, _tries, signal) {
      const { assetSha256, format } = item.submission;
      const key = `${prefix}${assetSha256}`;
      await put(
        { Key: `${key}.json`, Body: aboutOf(item), ContentType: "application/json" },
        signal,
      );
      const object = `${key}.${/^[a-z0-9]{1,8}$/.test(format) ? format : "bin"}`;
      // Last: where the asset is, all is.
      await put({ Key: object, Body: item.bytes, ContentType: "application/octet-stream" }, signal);
      return object;
    },
    async [Symbol.asyncDispose]() {
      client.destroy();
    },
  };
}

/** Undefined when nobody answered. */
function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
}

function aboutOf({ submission, prompt, miner }: StoredItem): string {
  const { id, assetSha256, assetSizeBytes, format, formatVersion, compression } = submission;
  return JSON.stringify({
    ...{ submission: id, sha256: assetSha256, bytes: assetSizeBytes },
    ...{ format, formatVersion, compression, prompt, miner, validator: submission.validator },
    submitTime: submission.submitTime.toString(),
    signature: Buffer.from(submission.signature).toString("base64"),
    receivedAt: new Date(submission.receivedAt).toISOString(),
    score: submission.feedback?.score,
  });
}
