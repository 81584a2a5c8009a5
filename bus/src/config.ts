/** What a process can be told of NATS: one schema, so that both sides of the queue have the same options. */
import { z } from "zod";
import { defaultJobQueueOptions } from "./contract.ts";

/** How to reach NATS, for whoever does. Of password, credentials and NKEY one is given at most. */
export const natsSchema = z.object({
  servers: z
    .array(z.string())
    .min(1, { error: "one server is needed at least" })
    .default(["nats://127.0.0.1:4222"])
    .describe("where the NATS servers are"),
  user: z
    .string()
    .min(1)
    .optional()
    .describe("NATS user, whose password is in --nats-password-file"),
  passwordFile: z.string().optional().describe("password of --nats-user, on a file's first line"),
  credentialsFile: z.string().optional().describe("NATS credentials, a .creds file"),
  nkeyFile: z.string().optional().describe("seed of the NKEY that NATS knows us by (SU…)"),
  tls: z.object({
    caFile: z.string().optional().describe("certificates that NATS is trusted by (PEM)"),
    certFile: z.string().optional().describe("certificate to show to NATS (PEM)"),
    keyFile: z.string().optional().describe("its key (PEM)"),
    handshakeFirst: z
      .boolean()
      .optional()
      .describe("TLS from the first byte, as the server's handshake_first"),
  }),
});

const hourMs = 60 * 60 * 1000;

/** The coordinator's: it sets up streams and consumers, and workers read from them what they have to keep to. */
export const natsQueueSchema = natsSchema.extend({
  replicas: z
    .number()
    .int()
    .min(1)
    .max(5)
    .default(1)
    .describe(
      "copies of each stream, consumer and large asset in a cluster of NATS: 3 where a server may be lost; those there are brought up to date",
    ),
  ackWaitMs: z
    .number()
    .int()
    .min(1_000)
    .default(defaultJobQueueOptions.ackWaitMs)
    .describe("a job not kept alive for this long goes to another worker"),
  maxDeliver: z
    .number()
    .int()
    .min(1)
    .default(defaultJobQueueOptions.maxDeliver)
    .describe("tries at a job before it goes to the dead letters"),
  deadLetterHours: z
    .number()
    .min(0.01)
    .max(24 * 365)
    .default(defaultJobQueueOptions.deadLetterKeepMs / hourMs)
    .describe("a job that was given up can be replayed for so long, and its asset is kept"),
});

/** In the units of the queue. */
export function natsQueueOptions({ deadLetterHours, ...options }: z.infer<typeof natsQueueSchema>) {
  return { ...options, deadLetterKeepMs: deadLetterHours * hourMs };
}
