/** What a process can be told of NATS: one schema, so that both sides of the queue have the same options. */
import { z } from "zod";
import { defaultJobQueueOptions } from "./contract.ts";

/** @param others who else has to be given the same numbers, such as `the workers'` */
export function natsSchema(others: string) {
  return z.object({
    servers: z
      .array(z.string())
      .min(1, { error: "one server is needed at least" })
      .default(["nats://127.0.0.1:4222"])
      .describe("where the NATS servers are"),
    credentialsFile: z.string().optional().describe("NATS credentials, a .creds file"),
    tls: z.object({
      caFile: z.string().optional().describe("certificates that NATS is trusted by (PEM)"),
      certFile: z.string().optional().describe("certificate to show to NATS (PEM)"),
      keyFile: z.string().optional().describe("its key (PEM)"),
      handshakeFirst: z
        .boolean()
        .optional()
        .describe("TLS from the first byte, as the server's handshake_first"),
    }),
    replicas: z
      .number()
      .int()
      .min(1)
      .max(5)
      .default(1)
      .describe("copies of each stream in a cluster of NATS; the same for coordinator and workers"),
    ackWaitMs: z
      .number()
      .int()
      .min(1_000)
      .default(defaultJobQueueOptions.ackWaitMs)
      .describe(`a job not kept alive for this long goes to another worker; ${others} too`),
    maxDeliver: z
      .number()
      .int()
      .min(1)
      .default(defaultJobQueueOptions.maxDeliver)
      .describe(`tries at a job before it goes to the dead letters; ${others} too`),
  });
}
