/** The state of coordinators over NATS: two streams, and a bucket of the key-value store for the lease. */
import { randomUUID } from "node:crypto";
import { headers, type Msg, type MsgHdrs } from "@nats-io/transport-node";
import { QueueUnavailableError, resultsStream } from "../contract.ts";
import {
  type LeaseHolder,
  LogLostError,
  OvertakenError,
  type StateEntries,
  type StateEntryKind,
  type StateFile,
  type StateFiles,
  type StateLease,
  type StateLog,
} from "../state-log.ts";
import { purgeUpTo, statusCode } from "./jetstream.ts";
import { type NatsLink, openLink } from "./link.ts";
import type { NatsOptions } from "./options.ts";
import {
  ensureStateStreams,
  leaseStream,
  leaseSubject,
  orMissing,
  stateEntrySubject,
  stateFileSubject,
  stateFilesStream,
  stateStream,
} from "./topology.ts";
import { backoffMs, pause } from "./waiting.ts";

/** An entry or a part of a file has at most so many bytes, or what the server's `max_payload` leaves. */
const longestEntryBytes = 1024 * 1024;
/** Each part is synced to disk before the next, so few large ones are faster. */
const longestPartBytes = 4 * 1024 * 1024;
/** For subject and headers, which count towards `max_payload`. */
const headroomBytes = 4 * 1024;
/** A lease that is not answered soon is of no use; ms. */
const leaseTimeoutMs = 2_000;
/** Before an entry that could not be appended is tried again, at most; ms. */
const longestPauseMs = 500;

const kindHeader = "Turntable-Kind";
const schemaHeader = "Turntable-Schema";
const moreHeader = "Turntable-More";
/** Tells an entry from that of another writer, where it is not known whether one's own was stored. */
const writerHeader = "Turntable-Writer";
/** On the last part of a file: how many came before it. */
const partsHeader = "Turntable-Parts";

export interface StateLogOptions extends NatsOptions {
  /** Copies of each stream in a cluster. */
  readonly replicas?: number;
}

/** @throws as openLink */
export async function connectStateLog(options: StateLogOptions): Promise<StateLog> {
  const link = await openLink({
    ...options,
    role: "coordinator",
    async prepare(manager) {
      await ensureStateStreams(manager, options.replicas ?? 1);
      return undefined;
    },
  });
  return {
    entries: entriesOver(link),
    files: filesOver(link),
    lease: leaseOver(link),
    hasQueue: () =>
      link.run(
        async () => (await orMissing(link.manager.streams.info(resultsStream))) !== undefined,
      ),
    [Symbol.asyncDispose]: () => link.close(),
  };
}

function entriesOver(link: NatsLink): StateEntries {
  const writer = randomUUID();
  let written = 0;

  const info: StateEntries["info"] = () =>
    link.run(async () => {
      const { created, state } = await link.manager.streams.info(stateStream);
      const { first_seq: first, last_seq: last, bytes } = state;
      return { id: String(created), first, last, bytes };
    });

  /** Whether the entry after `after` is this writer's; undefined when there is none and it can be tried again. */
  const isOurs = async (id: string, after: number): Promise<boolean | undefined> => {
    const { last } = await info();
    if (last < after) {
      throw new LogLostError(
        `the log of changes ends at ${last}, and what was appended up to ${after} is gone`,
      );
    }
    if (last === after) {
      return undefined;
    }
    const stored = await link.run(() =>
      link.manager.streams.getMessage(stateStream, { seq: after + 1 }),
    );
    return stored?.header.get(writerHeader) === id;
  };

  const appendOne = async (
    body: Uint8Array,
    about: MsgHdrs,
    after: number,
    signal: AbortSignal,
  ): Promise<number> => {
    const id = `${writer}.${written++}`;
    about.set(writerHeader, id);
    about.set("Nats-Expected-Last-Sequence", String(after));
    for (let attempt = 0; ; attempt++) {
      signal.throwIfAborted();
      try {
        return (await link.publish(stateEntrySubject, body, about)).sequence;
      } catch (error) {
        if (!(error instanceof OvertakenError || error instanceof QueueUnavailableError)) {
          throw error;
        }
        // It may have been stored all the same, this time or the time before.
        const found = await isOurs(id, after).catch((cause: unknown) => {
          if (cause instanceof QueueUnavailableError) {
            return undefined;
          }
          throw cause;
        });
        if (found === true) {
          return after + 1;
        }
        if (found === false) {
          throw new OvertakenError("another coordinator has written to the log of changes", {
            cause: error,
          });
        }
        if (attempt === 0) {
          link.report("a change could not be appended to the log yet", error);
        }
        await pause(Math.min(backoffMs(attempt), longestPauseMs), signal);
      }
    }
  };

  return {
    async append({ kind, body, schema }, after, signal) {
      let last = after;
      let offset = 0;
      do {
        const piece = body.subarray(offset, offset + pieceBytes(link, longestEntryBytes));
        offset += piece.length;
        const about = headers();
        about.set(kindHeader, kind);
        about.set(schemaHeader, String(schema));
        if (offset < body.length) {
          about.set(moreHeader, "1");
        }
        last = await appendOne(piece, about, last, signal);
      } while (offset < body.length);
      return last;
    },
    async read(from, limit) {
      const found = await Promise.all(
        Array.from({ length: limit }, (_, index) =>
          directGet(link, stateStream, { seq: from + index }),
        ),
      );
      const gap = found.indexOf(undefined);
      return found.slice(0, gap === -1 ? limit : gap).flatMap((message) =>
        message === undefined
          ? []
          : [
              {
                // As this class of process wrote it.
                kind: header(message, kindHeader) as StateEntryKind,
                sequence: Number(header(message, "Nats-Sequence")),
                body: message.data,
                schema: Number(header(message, schemaHeader)),
                hasMore: header(message, moreHeader) !== "",
              },
            ],
      );
    },
    info,
    trim: (upTo) => link.run(() => purgeUpTo(link.manager, stateStream, upTo)),
  };
}

function filesOver(link: NatsLink): StateFiles {
  const partSubject = (name: string, part: number | "end") => `${stateFileSubject}.${name}.${part}`;
  const fileOf = (message: Msg): StateFile => {
    const subject = header(message, "Nats-Subject");
    const name = subject.slice(stateFileSubject.length + 1, -".end".length);
    const parts = Number(header(message, partsHeader));
    return {
      name,
      sequence: Number(header(message, "Nats-Sequence")),
      async *read() {
        for (let part = 0; part < parts; part++) {
          const found = await directGet(link, stateFilesStream, {
            last_by_subj: partSubject(name, part),
          });
          if (found === undefined) {
            throw new QueueUnavailableError(`a part of ${name} is not there any more`);
          }
          yield found.data;
        }
        yield message.data;
      },
    };
  };
  return {
    async put(name, chunks, signal) {
      const partBytes = pieceBytes(link, longestPartBytes);
      let held: Uint8Array[] = [];
      let heldBytes = 0;
      let parts = 0;
      const write = async (bytes: number): Promise<void> => {
        const all = Buffer.concat(held);
        signal?.throwIfAborted();
        await link.publish(partSubject(name, parts), all.subarray(0, bytes), headers());
        parts++;
        held = [all.subarray(bytes)];
        heldBytes -= bytes;
      };
      for await (const chunk of chunks) {
        held.push(chunk);
        heldBytes += chunk.length;
        while (heldBytes > partBytes) {
          await write(partBytes);
        }
      }
      const about = headers();
      about.set(partsHeader, String(parts));
      signal?.throwIfAborted();
      const [only = new Uint8Array(), ...more] = held;
      const end = more.length === 0 ? only : Buffer.concat(held);
      await link.publish(partSubject(name, "end"), end, about); // T3
    },
    async get(name) {
      const end = { last_by_subj: partSubject(name, "end") };
      const message = await directGet(link, stateFilesStream, end);
      return message && fileOf(message);
    },
    async next(after) {
      const wanted = { seq: after + 1, next_by_subj: partSubject("*", "end") };
      const message = await directGet(link, stateFilesStream, wanted);
      return message && fileOf(message);
    },
    remove: (name) =>
      link.run(async () => {
        const { streams } = link.manager;
        await streams.purge(stateFilesStream, { filter: partSubject(name, "end") }); // first, for T3
        await streams.purge(stateFilesStream, { filter: `${stateFileSubject}.${name}.*` });
      }),
    list: () =>
      link.run(async () => {
        const { state } = await link.manager.streams.info(stateFilesStream, {
          subjects_filter: partSubject("*", "end"),
        });
        const names = Object.keys(state.subjects ?? {}).map((subject) =>
          subject.slice(stateFileSubject.length + 1, -".end".length),
        );
        return { names: new Set(names), last: state.last_seq };
      }),
  };
}

function leaseOver(link: NatsLink): StateLease {
  return {
    read: () =>
      link.run(async () => {
        // From who leads the stream, not from any copy.
        const stored = await link.manager.streams.getMessage(leaseStream, {
          last_by_subj: leaseSubject,
        });
        if (stored === null) {
          return undefined;
        }
        return { ...(stored.json() as LeaseHolder), revision: stored.seq }; // as `write` wrote it
      }),
    async write(holder, over) {
      const about = headers();
      about.set("Nats-Expected-Last-Subject-Sequence", String(over));
      const body = Buffer.from(JSON.stringify(holder));
      return (await link.publish(leaseSubject, body, about, leaseTimeoutMs)).sequence;
    },
  };
}

/** A stored message from any server that has a copy, which may be a moment behind (NATS ADR-31). */
async function directGet(
  link: NatsLink,
  stream: string,
  wanted: { readonly seq?: number; readonly next_by_subj?: string; readonly last_by_subj?: string },
): Promise<Msg | undefined> {
  const answer = await link.request(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify(wanted));
  const code = answer.headers?.code ?? 0;
  if (code === statusCode.noMessages) {
    return undefined;
  }
  if (code !== 0) {
    throw new QueueUnavailableError(`the log is away: ${answer.headers?.description}`);
  }
  return answer;
}

const header = (message: Msg, name: string): string => message.headers?.get(name) ?? "";

function pieceBytes({ connection }: NatsLink, longest: number): number {
  const most = connection.info?.max_payload ?? longestEntryBytes;
  return Math.min(longest, most - headroomBytes);
}
