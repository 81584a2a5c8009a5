/**
 * The tasks that the miner has in hand, each on disk as far as it has come: generating, generated, signed, done. Whoever
 * opens the outbox after a crash carries on from there.
 *
 * O1 What is signed never changes: it is sent as it is until there is an answer, by whichever process.
 * O2 A task is one row for ever. One that was answered and is lent again is sent with the content of the first time.
 */
import type { AxonTarget } from "@turntable/bittensor/dendrite";
import { z } from "zod";
import type { Database } from "./database.ts";

export interface PulledTask {
  readonly target: AxonTarget;
  /** The validator's. */
  readonly id: string;
  readonly prompt: string;
  /** ms since 1970 UTC */
  readonly pulledAt: number;
  /** The validator takes nothing after it; ms since 1970 UTC. */
  readonly deadline: number;
}

export interface TaskInHand extends PulledTask {
  readonly number: number;
}

/** What an endpoint made in one round. */
export interface Made {
  /** From 0; each has a seed of its own. */
  readonly round: number;
  readonly bytes: Buffer;
  readonly endpoint: string;
  readonly generateMs: number;
  /** 0 to 1 by the endpoint that scores before sending; undefined when none has. */
  readonly score: number | undefined;
}

/** An asset as it is sent. */
export interface Packed {
  readonly bytes: Buffer;
  /** The subnet's `data_format`: what the file is once it is unpacked. */
  readonly format: "ply" | "hdf5";
  /** The subnet's `compression`: 0 none, 1 zstd around the file, 2 SPZ. */
  readonly compression: 0 | 1 | 2;
}

/** What is sent, signed. */
export interface Submission {
  /** A text says why the task is given back instead, with an empty submission. */
  readonly asset: Packed | string;
  /** Nanoseconds since 1970 UTC. */
  readonly submitTime: bigint;
  /** base64 */
  readonly signature: string;
  /** How often it was sent so far. */
  readonly sends: number;
}

export interface Generating {
  readonly kind: "generating";
  readonly task: TaskInHand;
  readonly round: number;
  /** The best of the rounds before, when none was good enough. */
  readonly kept: Made | undefined;
}
export interface Generated {
  readonly kind: "generated";
  readonly task: TaskInHand;
  readonly made: Made;
  readonly kept: Made | undefined;
}
export interface Signed {
  readonly kind: "signed";
  readonly task: TaskInHand;
  /** What is sent, or was not good enough; its bytes may be the packed ones. */
  readonly made: Made | undefined;
  readonly submission: Submission;
}
export interface Done {
  readonly kind: "done";
  readonly task: TaskInHand;
  readonly outcome: string;
}
export type Work = Generating | Generated | Signed | Done;

/** How a task ended. */
export interface Ending {
  /** A verdict, or why there is none. */
  readonly outcome: string;
  readonly reason: string;
  readonly feedback: Feedback | undefined;
}

/** What the validator says of the submission and of the miner. */
export interface Feedback {
  /** 0 to 1 */
  readonly fidelity: number;
  /** 0 to 1 */
  readonly average: number;
  /** Accepted results within the validator's window. */
  readonly accepted: number;
  readonly reward: number;
  /** ms since 1970 UTC */
  readonly cooldownUntil: number;
}

export interface Outbox {
  /** The task as far as it has come: `generating` when it is new. */
  take(task: PulledTask): Work;
  /** All that are not done, in the order in which they were pulled. */
  unfinished(): readonly Work[];
  generated(work: Generating, made: Made): Generated;
  scored(work: Generated, score: number): Generated;
  /** Begins another round; of what was made the better is kept. */
  again(work: Generated): Generating;
  signed(work: Generating | Generated, submission: Submission): Signed;
  /** Counts a try to send it, before it begins. */
  sending(work: Signed): Signed;
  done(work: Work, ending: Ending, now: number): Done;
}

/** A month: as long as validators keep verdicts. */
const keepMs = 30 * 86_400_000;
/** Pages that are given back to the file system at the end of a task, 4 KiB each: more than an asset usually has. */
const vacuumPages = 16_384;

const taskRow = z.object({
  number: z.number(),
  validator: z.string(),
  id: z.string(),
  prompt: z.string(),
  ip: z.string(),
  port: z.number(),
  pulled_at: z.number(),
  deadline: z.number(),
  state: z.enum(["generating", "generated", "signed", "done"]),
  round: z.number(),
  format: z.enum(["ply", "hdf5"]).nullable(),
  compression: z.literal([0, 1, 2]).nullable(),
  submit_time: z.string().nullable(),
  signature: z.string().nullable(),
  sends: z.number(),
  given_back: z.string().nullable(),
  outcome: z.string().nullable(),
});
type TaskRow = z.infer<typeof taskRow>;

const assetRow = z.object({
  round: z.number(),
  endpoint: z.string(),
  generate_ms: z.number(),
  score: z.number().nullable(),
  bytes: z.instanceof(Uint8Array),
});

export function createOutbox(database: Database): Outbox {
  const madeOf = (task: number): readonly Made[] =>
    database.all("SELECT * FROM asset WHERE task = ? ORDER BY round", task).map((row) => {
      const { round, endpoint, generate_ms, score, bytes } = assetRow.parse(row);
      return {
        ...{ round, endpoint, generateMs: generate_ms, score: score ?? undefined },
        bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
      };
    });

  const workOf = (row: TaskRow): Work => {
    const task = taskOf(row);
    if (row.state === "done") {
      return { kind: "done", task, outcome: row.outcome ?? "" };
    }
    const made = madeOf(row.number);
    if (row.state === "signed") {
      return { kind: "signed", task, made: made[0], submission: submissionOf(row, made[0]) };
    }
    const kept = best(made.filter(({ round }) => round !== row.round));
    const current = made.find(({ round }) => round === row.round);
    return row.state === "generated" && current !== undefined
      ? { kind: "generated", task, made: current, kept }
      : { kind: "generating", task, round: row.round, kept };
  };

  const find = (validator: string, id: string): TaskRow | undefined => {
    const row = database.get("SELECT * FROM task WHERE validator = ? AND id = ?", validator, id);
    return row === undefined ? undefined : taskRow.parse(row);
  };

  const setState = (task: TaskInHand, state: TaskRow["state"], round: number): void =>
    database.run(
      "UPDATE task SET state = ?, round = ? WHERE number = ?",
      state,
      round,
      task.number,
    );

  return {
    take({ target, id, prompt, pulledAt, deadline }) {
      return database.transaction(() => {
        const known = find(target.hotkey, id);
        if (known?.state === "done") {
          const isSigned = known.signature !== null && known.given_back === null;
          const hasBytes = madeOf(known.number).length > 0;
          if (!isSigned || hasBytes) {
            // Given back, it starts anew; answered, it is sent again as it was (O2).
            database.run(
              `UPDATE task SET deadline = ?, pulled_at = ?, sends = 0, outcome = NULL, done_at = NULL,
                 state = iif(?, 'signed', 'generating'), signature = iif(?, signature, NULL), given_back = NULL
               WHERE number = ?`,
              ...[deadline, pulledAt, Number(isSigned), Number(isSigned), known.number],
            );
          }
        }
        if (known === undefined) {
          database.run(
            `INSERT INTO task (validator, id, prompt, ip, port, pulled_at, deadline, state)
             VALUES (?, ?, ?, ?, ?, ?, ?, 'generating')`,
            ...[target.hotkey, id, prompt, target.ip, target.port, pulledAt, deadline],
          );
        }
        const row = find(target.hotkey, id);
        if (row === undefined) {
          throw new Error(`task ${id} was written and is not there`);
        }
        return workOf(row);
      });
    },
    unfinished: () =>
      database
        .all("SELECT * FROM task WHERE state <> 'done' ORDER BY number")
        .map((row) => workOf(taskRow.parse(row))),
    generated({ task, kept }, made) {
      database.transaction(() => {
        insertAsset(database, task, made);
        database.run(
          "UPDATE task SET generate_ms = ifnull(generate_ms, 0) + ? WHERE number = ?",
          made.generateMs,
          task.number,
        );
        setState(task, "generated", made.round);
      });
      return { kind: "generated", task, made, kept };
    },
    scored({ task, made, kept }, score) {
      database.run(
        "UPDATE asset SET score = ? WHERE task = ? AND round = ?",
        ...[score, task.number, made.round],
      );
      return { kind: "generated", task, made: { ...made, score }, kept };
    },
    again({ task, made, kept }) {
      const better = best([...(kept === undefined ? [] : [kept]), made]);
      const round = made.round + 1;
      database.transaction(() => {
        database.run(
          "DELETE FROM asset WHERE task = ? AND round <> ?",
          ...[task.number, better?.round ?? -1],
        );
        setState(task, "generating", round);
      });
      return { kind: "generating", task, round, kept: better };
    },
    signed(work, submission) {
      const { task } = work;
      const { asset, submitTime, signature, sends } = submission;
      const made = work.kind === "generated" ? work.made : work.kept;
      const packed = typeof asset === "string" ? undefined : asset;
      database.transaction(() => {
        database.run("DELETE FROM asset WHERE task = ?", task.number);
        if (packed !== undefined && made !== undefined) {
          insertAsset(database, task, { ...made, bytes: packed.bytes });
        }
        database.run(
          `UPDATE task SET state = 'signed', format = ?, compression = ?, submit_time = ?, signature = ?, sends = ?,
             given_back = ?, score = ? WHERE number = ?`,
          packed?.format ?? null,
          packed?.compression ?? null,
          String(submitTime),
          signature,
          sends,
          typeof asset === "string" ? asset : null,
          made?.score ?? null,
          task.number,
        );
      });
      return { kind: "signed", task, made, submission };
    },
    sending({ task, made, submission }) {
      const sends = submission.sends + 1;
      database.run("UPDATE task SET sends = ? WHERE number = ?", sends, task.number);
      return { kind: "signed", task, made, submission: { ...submission, sends } };
    },
    done({ task }, { outcome, reason, feedback }, now) {
      database.transaction(() => {
        database.run(
          `UPDATE task SET state = 'done', outcome = ?, reason = ?, done_at = ?, fidelity = ?, average = ?, accepted = ?,
             reward = ?, cooldown_until = ? WHERE number = ?`,
          ...[outcome, reason, now],
          feedback?.fidelity ?? null,
          feedback?.average ?? null,
          feedback?.accepted ?? null,
          feedback?.reward ?? null,
          feedback?.cooldownUntil ?? null,
          task.number,
        );
        // Before its deadline a task may be lent again (O2).
        database.run(
          "DELETE FROM asset WHERE task IN (SELECT number FROM task WHERE state = 'done' AND deadline <= ?)",
          now,
        );
        database.run("DELETE FROM task WHERE state = 'done' AND done_at < ?", now - keepMs);
      });
      database.run(`PRAGMA incremental_vacuum(${vacuumPages})`);
      return { kind: "done", task, outcome };
    },
  };
}

function insertAsset(database: Database, task: TaskInHand, made: Made): void {
  const { round, endpoint, generateMs, score, bytes } = made;
  database.run(
    "INSERT OR REPLACE INTO asset (task, round, endpoint, generate_ms, score, bytes) VALUES (?, ?, ?, ?, ?, ?)",
    ...[task.number, round, endpoint, generateMs, score ?? null, bytes],
  );
}

function taskOf(row: TaskRow): TaskInHand {
  const { number, id, prompt, ip, port, validator, pulled_at: pulledAt, deadline } = row;
  return { number, id, prompt, target: { ip, port, hotkey: validator }, pulledAt, deadline };
}

function submissionOf(row: TaskRow, made: Made | undefined): Submission {
  const { format, compression, submit_time: submitTime, signature, sends } = row;
  if (submitTime === null || signature === null) {
    throw new Error(`task ${row.id} is signed and has no signature`);
  }
  const signed = { submitTime: BigInt(submitTime), signature, sends };
  if (row.given_back !== null) {
    return { ...signed, asset: row.given_back };
  }
  if (made === undefined || format === null || compression === null) {
    throw new Error(`task ${row.id} is signed and has no asset`);
  }
  return { ...signed, asset: { bytes: made.bytes, format, compression } };
}

/** The best scored; of the unscored the latest. */
function best(made: readonly Made[]): Made | undefined {
  return made.toSorted((a, b) => (b.score ?? -1) - (a.score ?? -1) || b.round - a.round)[0];
}
