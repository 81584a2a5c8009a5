/** What the coordinator process was told: the rules across its options, and what its parts get of them. */
import type { ConfigDefinition, TlsFiles } from "@turntable/process";
import type { z } from "zod";
import { chainInMemory, dayMs, options } from "./options.ts";
import type { RetentionLimits } from "./retention/index.ts";
import type { StorageOptions } from "./storage/index.ts";

/** Whether only this machine reaches what listens there. */
export const isLoopback = (host: string): boolean => /^(127\.|localhost$|\[?::1\]?$)/.test(host);

const schema = options.superRefine((config, context) => {
  const problem = (path: string[], message: string) =>
    context.addIssue({ code: "custom", path, message });
  if ((config.hotkeyFile === undefined) === (config.hotkeyUri === undefined)) {
    problem(["hotkeyFile"], "give this or --hotkey-uri, exactly one of them");
  }
  if (config.standby.begin && !config.standby.enabled) {
    problem(["standby", "begin"], "says how to stand by, and --standby-enabled is not given");
  }
  const { endpoints, register } = config.chain;
  const inMemory = endpoints.includes(chainInMemory);
  if (inMemory && endpoints.length > 1) {
    problem(["chain", "endpoints"], `${chainInMemory} stands alone`);
  }
  if (!inMemory && register.length > 0) {
    problem(["chain", "register"], "works with the chain in memory only");
  }
  const { connections, connectionsForKnown, submissionBytes, bodiesBytes } = config.limits;
  if (connectionsForKnown >= connections) {
    problem(["limits", "connectionsForKnown"], "leaves strangers no connection");
  }
  if (submissionBytes > bodiesBytes) {
    problem(["limits", "submissionBytes"], "is more than all bodies together may have");
  }
  const { s3Bucket, s3Endpoint } = config.storage;
  if (s3Endpoint !== undefined && s3Bucket === undefined) {
    problem(["storage", "s3Endpoint"], "says where, and --storage-s3-bucket not in which bucket");
  }
  const { resultDays, organicTaskDays } = config.retention;
  if (resultDays > organicTaskDays) {
    problem(["retention", "resultDays"], "is more than --retention-organic-task-days");
  }
  const { api, grpc, admin, http } = config;
  for (const [group, { tlsCertFile, tlsKeyFile, tlsClientCaFile }] of [
    ["http", http],
    ["grpc", grpc],
    ["admin", admin],
  ] as const) {
    if ((tlsCertFile === undefined) !== (tlsKeyFile === undefined)) {
      problem([group, "tlsKeyFile"], "and the certificate go together");
    } else if (tlsClientCaFile !== undefined && tlsCertFile === undefined) {
      problem([group, "tlsClientCaFile"], "needs a certificate and key of our own");
    }
  }
  if (admin.enabled && !isLoopback(admin.host) && admin.tlsCertFile === undefined) {
    problem(["admin", "tlsCertFile"], `is needed when AdminService listens on ${admin.host}`);
  }
  if (admin.webEnabled && !isLoopback(http.host) && http.tlsCertFile === undefined) {
    problem(
      ["http", "tlsCertFile"],
      `is needed when AdminService answers over HTTP on ${http.host}: operators' keys would travel in the clear`,
    );
  }
  const isAsked = grpc.apiKeysFile !== undefined || grpc.insecureOpen || api.keysNeeded;
  if (!api.enabled && (isAsked || !isLoopback(grpc.host))) {
    problem(
      ["api", "enabled"],
      "is needed for what is said about --grpc-host and API keys: the public API is off without it",
    );
  }
  if (grpc.insecureOpen && (grpc.apiKeysFile !== undefined || api.keysNeeded)) {
    problem(
      ["grpc", "insecureOpen"],
      "says that nobody needs a key; leave it out, or the rest about keys",
    );
  }
});

export type Config = z.infer<typeof schema>;

/** TLS files as the options name them; undefined without TLS. */
export function tlsOf({
  tlsCertFile: certFile,
  tlsKeyFile: keyFile,
  tlsClientCaFile: clientCaFile,
}: {
  readonly tlsCertFile?: string | undefined;
  readonly tlsKeyFile?: string | undefined;
  readonly tlsClientCaFile?: string | undefined;
}): TlsFiles | undefined {
  return certFile === undefined || keyFile === undefined
    ? undefined
    : { certFile, keyFile, clientCaFile };
}

/** What the configuration says of retention, in ms. */
export function retentionOf({ retention }: Pick<Config, "retention">): RetentionLimits {
  return {
    resultMs: retention.resultDays * dayMs,
    otherAssetMs: retention.otherAssetDays * dayMs,
    assetBytes: retention.assetBytes,
    organicTaskMs: retention.organicTaskDays * dayMs,
    syntheticTaskMs: retention.syntheticTaskDays * dayMs,
    databaseBytes: retention.databaseBytes,
  };
}

/** What the configuration says of places outside; undefined when there are none. */
export function storageOf({ storage }: Pick<Config, "storage">): StorageOptions | undefined {
  const { s3Bucket: bucket, s3Endpoint: endpoint, s3Region: region, s3Prefix: prefix } = storage;
  if (!storage.subnet21 && bucket === undefined) {
    return undefined;
  }
  const { subnet21Netuid: netuid, ttlS, queue: assets, queueBytes: bytes } = storage;
  return {
    subnet21: storage.subnet21 ? { netuid, ttlS } : undefined,
    s3: bucket === undefined ? undefined : { bucket, endpoint, region, prefix },
    queue: { assets, bytes },
  };
}

/** The configuration of `turntable-coordinator`, for loading and for the generated tables. */
export const coordinatorConfig: ConfigDefinition<typeof schema> = {
  command: "turntable-coordinator",
  summary:
    "serves miners over the axon and clients over gRPC, and has submissions scored by workers",
  schema,
};

/** The same options for commands that only look: without the rules of what a coordinator needs. */
export const lookConfig: ConfigDefinition<typeof options> = {
  ...coordinatorConfig,
  schema: options,
};
