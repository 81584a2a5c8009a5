/**
 * Large assets that nobody needs any more and nobody removed: a process was killed between two steps, or a dead letter's
 * time was over (Q7). The coordinator looks from time to time.
 *
 * S1 An object is put before its job is queued, so one that is older than the oldest job, by more than putting may
 *    take, has no job. A replay renews the object before it queues the job again.
 * S2 It is kept while a result that was not acked, or a dead letter, names it.
 * S3 The places are looked at in the order in which a job leaves them, so that none is missed on its way: jobs, results
 *    and letters, then objects.
 * S4 Dead letters take so many bytes at most, with their assets: whoever can make workers give up could otherwise fill
 *    the disk on which jobs wait. The oldest go before their time is over.
 */
import { type ConsumerMessages, jetstream } from "@nats-io/jetstream";
import { assetsBucket, deadLettersStream, jobsStream, resultsStream } from "../contract.ts";
import type { AssetStore } from "./assets.ts";
import type { NatsLink } from "./link.ts";
import { assetObjectOf } from "./messages.ts";
import type { SweepOptions } from "./options.ts";
import { bucketStream } from "./topology.ts";
import { pause } from "./waiting.ts";

export const defaultSweepOptions: SweepOptions = {
  ...{ everyMs: 600_000, marginMs: 900_000 },
  letterBytes: 1024 ** 3,
};

/** Looks until `signal` is aborted, for the first time soon. */
export async function sweepAssets(
  link: NatsLink,
  assets: AssetStore,
  { everyMs, marginMs, letterBytes }: SweepOptions,
  signal: AbortSignal,
): Promise<void> {
  while (await link.whenUp(signal)) {
    await pause((everyMs / 2) * (1 + Math.random()), signal);
    if (signal.aborted) {
      return;
    }
    try {
      await link.run(() => removeOldestLetters(link, assets, letterBytes));
      await link.run(() => sweep(link, assets, marginMs));
    } catch (error) {
      link.report("large assets that nobody needs could not be looked for", error);
    }
  }
}

async function removeOldestLetters(
  link: NatsLink,
  assets: AssetStore,
  mostBytes: number,
): Promise<void> {
  const letters: { sequence: number; ownBytes: number; object: string | undefined }[] = [];
  for await (const message of await openHeaders(link, deadLettersStream)) {
    const ownBytes = Number(message.headers?.get("Nats-Msg-Size"));
    letters.push({ sequence: message.seq, ownBytes, object: assetObjectOf(message) });
    if (message.info.pending === 0) {
      break;
    }
  }
  let bytes = 0;
  let removed = 0;
  for (const { sequence, ownBytes, object } of letters.toReversed()) {
    bytes += ownBytes + (object === undefined ? 0 : await assets.bytesOf(object));
    if (bytes > mostBytes) {
      await link.manager.streams.deleteMessage(deadLettersStream, sequence);
      removed += 1;
    }
  }
  if (removed > 0) {
    const reason = new Error(`all of them took ${bytes} bytes, of ${mostBytes} that they may`);
    link.report(`the ${removed} oldest dead letters were removed`, reason);
  }
}

async function sweep(link: NatsLink, assets: AssetStore, marginMs: number): Promise<void> {
  const { streams } = link.manager;
  const bucket = await streams.info(bucketStream);
  if (bucket.state.messages === 0) {
    return;
  }
  const jobs = await streams.info(jobsStream);
  // By the server's clock, as the times of objects are.
  const nowMs = jobs.ts === undefined ? Date.now() : Date.parse(jobs.ts);
  const oldestJobMs = jobs.state.messages === 0 ? nowMs : Date.parse(jobs.state.first_ts);
  const beforeMs = Math.min(nowMs, oldestJobMs) - marginMs;
  const needed = new Set([
    ...(await objectsNamedIn(link, resultsStream)),
    ...(await objectsNamedIn(link, deadLettersStream)),
  ]);
  const known = new Set<string>();
  const filter = `$O.${assetsBucket}.M.>`;
  const entries = await streams.info(bucketStream, { subjects_filter: filter });
  for (const subject of Object.keys(entries.state.subjects ?? {})) {
    const entry = await streams.getMessage(bucketStream, { last_by_subj: subject });
    if (entry === null) {
      continue;
    }
    // As the object store writes it (NATS ADR-20). Its own time stays the same when it is renewed.
    const { name, nuid } = entry.json<{ readonly name: string; readonly nuid: string }>();
    known.add(nuid);
    if (entry.time.getTime() < beforeMs && !needed.has(name)) {
      await assets.remove(name);
    }
  }
  await removeStrayChunks(link, known, nowMs - marginMs);
}

/** Chunks whose object was never finished: whoever put it was killed. */
async function removeStrayChunks(
  { manager: { streams } }: NatsLink,
  known: ReadonlySet<string>,
  beforeMs: number,
): Promise<void> {
  const prefix = `$O.${assetsBucket}.C.`;
  const { state } = await streams.info(bucketStream, { subjects_filter: `${prefix}>` });
  for (const subject of Object.keys(state.subjects ?? {})) {
    if (known.has(subject.slice(prefix.length))) {
      continue;
    }
    const last = await streams.getMessage(bucketStream, { last_by_subj: subject });
    if (last !== null && last.time.getTime() < beforeMs) {
      await streams.purge(bucketStream, { filter: subject });
    }
  }
}

async function objectsNamedIn(link: NatsLink, stream: string): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const message of await openHeaders(link, stream)) {
    const name = assetObjectOf(message);
    if (name !== undefined) {
      names.push(name);
    }
    if (message.info.pending === 0) {
      break;
    }
  }
  return names;
}

/** All messages of a stream without their payloads; none when it is empty, else the last has nothing pending. */
export async function openHeaders(
  link: NatsLink,
  stream: string,
): Promise<ConsumerMessages | readonly never[]> {
  const { consumers } = jetstream(link.connection, { timeout: link.requestTimeoutMs });
  const consumer = await consumers.get(stream, { headers_only: true });
  const { num_pending: count } = await consumer.info();
  return count === 0 ? [] : await consumer.fetch({ max_messages: count });
}
