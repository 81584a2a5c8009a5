/** `turntable-miner history`: why the miner earned what it earned, as its validators tell it. */
import { type AxonTarget, createDendrite, type Dendrite } from "@turntable/bittensor/dendrite";
import type { Keypair } from "@turntable/bittensor/keys";
import { type ValuesOf, verdictHistory } from "@turntable/bittensor/synapse";
import { type ConfigDefinition, hostAndPort } from "@turntable/process";
import { z } from "zod";
import { minerConfig } from "./config.ts";
import { readStanding } from "./store/index.ts";
import { parseValidator } from "./validators/index.ts";

const { shape } = minerConfig.schema;
const schema = z
  .object({
    dataDir: shape.dataDir.describe("the miner's folder, which names its validators"),
    hotkeyFile: shape.hotkeyFile,
    hotkeyPasswordFile: shape.hotkeyPasswordFile,
    hotkeyUri: shape.hotkeyUri,
    validator: shape.validator.describe("who is asked, IP:PORT:HOTKEY, instead of those"),
    limit: z.number().int().min(1).max(1_000).default(25).describe("verdicts of each validator"),
    json: z.boolean().default(false).describe("as JSON, one line a verdict"),
  })
  .refine(({ hotkeyFile, hotkeyUri }) => (hotkeyFile === undefined) !== (hotkeyUri === undefined), {
    path: ["hotkeyFile"],
    message: "give this or --hotkey-uri, exactly one of them",
  });

export const historyConfig: ConfigDefinition<typeof schema> = {
  command: "turntable-miner history",
  summary: "asks validators why the miner earned what it earned: verdicts, and what followed",
  schema,
};

export type HistoryOptions = z.infer<typeof schema>;
export type ToldVerdict = ValuesOf<typeof verdictHistory>["verdicts"][number];

/** What a validator told; `problem` when it told nothing, or not all. */
export interface ToldHistory {
  readonly validator: AxonTarget;
  readonly verdicts: readonly ToldVerdict[];
  readonly problem: string | undefined;
}

/** Validators that are ours give fifty at most, six times a minute. */
const pageSize = 50;

/**
 * The miner's latest verdicts of one validator, newest first.
 * @throws the signal's reason
 */
export async function fetchHistory(
  dendrite: Dendrite,
  validator: AxonTarget,
  limit: number,
  signal?: AbortSignal,
): Promise<ToldHistory> {
  const verdicts: ToldVerdict[] = [];
  while (verdicts.length < limit) {
    const before = verdicts.at(-1)?.number ?? 0;
    const body = { limit: Math.min(pageSize, limit - verdicts.length), before };
    const call = { target: validator, body, ...(signal === undefined ? {} : { signal }) };
    const outcome = await dendrite.call(verdictHistory, call);
    if (outcome.kind === "failure") {
      const isUnknown = outcome.status === 404;
      const problem = isUnknown
        ? "it is none of ours, and keeps no history for its miners"
        : `${outcome.status ?? "no answer"} ${outcome.message ?? ""}`.trim();
      return { validator, verdicts, problem };
    }
    const { fields } = outcome;
    // A validator that repeats itself would be asked for ever.
    const older = fields.verdicts.filter(({ number }) => before === 0 || number < before);
    verdicts.push(...older);
    if (!fields.more || older.length === 0) {
      break;
    }
  }
  return { validator, verdicts: verdicts.slice(0, limit), problem: undefined };
}

/** @returns the exit status: 0 when each validator told its history, else 1 */
export async function runHistory(options: HistoryOptions, hotkey: Keypair): Promise<number> {
  const named = options.validator.flatMap((text) => parseValidator(text) ?? []);
  const validators =
    named.length > 0 ? named : readStanding(options.dataDir, Date.now()).validators;
  if (validators.length === 0) {
    process.stderr.write(`${historyConfig.command}: no validator was asked yet; name one\n`);
    return 1;
  }
  await using dendrite = createDendrite({ hotkey });
  let status = 0;
  for (const validator of validators) {
    const told = await fetchHistory(dendrite, validator, options.limit);
    process.stdout.write(options.json ? jsonLines(told) : describeHistory(told));
    if (told.problem !== undefined) {
      const where = hostAndPort(validator.ip, validator.port);
      process.stderr.write(`${historyConfig.command}: ${where}: ${told.problem}\n`);
      status = 1;
    }
  }
  return status;
}

function jsonLines({ validator: { hotkey }, verdicts }: ToldHistory): string {
  return verdicts
    .map((verdict) => `${JSON.stringify({ validator: hotkey, ...verdict })}\n`)
    .join("");
}

export function describeHistory({ validator, verdicts }: ToldHistory): string {
  const heading = `${validator.hotkey} ${hostAndPort(validator.ip, validator.port)}\n`;
  if (verdicts.length === 0) {
    return `${heading}  no verdict\n`;
  }
  const lines = verdicts.map((told) => {
    const cooldownS = Math.max(0, Math.round((told.cooldown_until - told.at) / 1000));
    const weight =
      told.weight === null
        ? "no weight yet"
        : `weight ${told.weight} at block ${told.weight_block}`;
    return [
      new Date(told.at).toISOString(),
      `${told.code}${told.code === told.verdict ? "" : ` (${told.verdict})`}`,
      `score ${told.score.toFixed(3)}, fidelity ${told.fidelity.toFixed(3)}`,
      `average ${told.average_fidelity.toFixed(4)}, ${told.observations} accepted, reward ${told.reward.toFixed(4)}`,
      `cooldown ${cooldownS} s, ${weight}`,
      ...(told.reason === "" ? [] : [printable(told.reason)]),
    ].join("  ");
  });
  return `${heading}${lines.map((line) => `  ${line}\n`).join("")}`;
}

/** A validator's words on a terminal: control characters shown, not obeyed. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (c) => `\\u{${c.codePointAt(0)?.toString(16)}}`);
}
