/** What the RPCs of AdminService share: where their answers come from, and how pages are made. */

import type { DeadLetter, PresentWorker, WorkerState } from "@turntable/bus";
import type { AdminService } from "@turntable/proto";
import type { Handler } from "@turntable/proto/rpc";
import type { Quarantined } from "../../audits/index.ts";
import type { IntakeMode } from "../../intake.ts";
import type { ApiKeys } from "../../keys/index.ts";
import type { HistoryEntry, Miner } from "../../miners/index.ts";
import type { Status } from "../../status/index.ts";
import type { Assignment, Task, Tasks } from "../../tasks/index.ts";
import type { Plan, WeightAttempt } from "../../weights/index.ts";
import type { WorkerFacts } from "../../workers.ts";
import type { ClientCall } from "../access.ts";
import { tooLarge } from "../errors.ts";
import type { SubmittedAsset } from "../messages.ts";

export interface AdminOptions {
  /** How the coordinator is doing now. */
  readonly status: () => Promise<Status>;
  /** Submissions and scorings without a verdict. */
  readonly countPending: () => number;
  readonly intake: {
    mode(): IntakeMode;
    setMode(mode: IntakeMode["kind"], reason: string): void;
  };
  readonly miners: {
    /** Hotkeys with a record, in alphabetical order, after this one. */
    after(hotkey: string, limit: number): readonly string[];
    get(hotkey: string, now: number): Miner;
    /** The miner's verdicts, newest first, before the one with this number. */
    verdicts(hotkey: string, limit: number, before: number | undefined): readonly HistoryEntry[];
    isRegistered(hotkey: string): boolean;
    isHotkey(text: string): boolean;
  };
  /** The one with the latest result first. */
  readonly workers: () => readonly WorkerFacts[];
  /** The workers that are connected. */
  readonly fleet: {
    /** @throws QueueUnavailableError */
    list(): Promise<readonly PresentWorker[]>;
    /** Undefined when there is none of this name. @throws QueueUnavailableError */
    setDraining(workerId: string, draining: boolean): Promise<WorkerState | undefined>;
  };
  /** Workers that get no jobs, since their scores drifted. */
  readonly quarantine: {
    list(): readonly Quarantined[];
    /** False when it is not quarantined. */
    release(workerId: string, now: number): boolean;
  };
  readonly tasks: Pick<Tasks, "get" | "listAll" | "events">;
  /** A submission by its id, which is its assignment's. */
  readonly submissionOf: (id: string) => SubmittedAsset | undefined;
  /** Stands for the validator of submissions that do not say whose axon took them; ss58. */
  readonly validatorHotkey: string;
  readonly deadLetters: {
    list(): Promise<readonly DeadLetter[]>;
    /** False when there is none. */
    replay(jobId: string): Promise<boolean>;
  };
  readonly weights: {
    /** The plan of this moment; undefined for a subnet on which we have no axon. */
    plan(netuid: number | undefined): Promise<WeightPlan | undefined>;
    /** Newest first, before the one with this number; undefined as for `plan`. */
    attempts(
      netuid: number | undefined,
      limit: number,
      before: number | undefined,
    ): readonly WeightAttempt[] | undefined;
  };
  /** In the order of their source. */
  readonly prompts: () => readonly string[];
  readonly keys: ApiKeys;
  /** ms since 1970 UTC */
  readonly now: () => number;
}

export interface WeightPlan extends Plan {
  readonly netuid: number;
  /** The validator's, ss58. */
  readonly hotkey: string;
  readonly block: number;
  /** Registered hotkeys by their uid. */
  readonly hotkeys: ReadonlyMap<number, string>;
}

export type AdminTask = Task & { readonly assignments: readonly Assignment[] };

type Methods = (typeof AdminService)["method"];
/** The handler of one RPC. */
export type Rpc<Name extends keyof Methods> = Handler<Methods[Name], ClientCall>;

/** @throws RpcError RESOURCE_EXHAUSTED */
export function checkLength(field: string, text: string, most: number): void {
  if (text.length > most) {
    throw tooLarge(field, `has ${text.length} characters; at most ${most} are allowed`);
  }
}
