/** Miners' calls by hand, on sockets whose bytes are made here: what measurements of an axon load it with. */
import type { Keypair } from "@turntable/bittensor/keys";
import { signSubmission } from "@turntable/bittensor/synapse";
import { buildRequest, type RawConnection } from "@turntable/bittensor/test";

export interface LentTask {
  readonly id: string;
  readonly prompt: string;
}

interface Calling {
  readonly caller: Keypair;
  /** The validator's hotkey. */
  readonly axonHotkey: string;
}

/** An address of loopback for each miner, by which the axon's limits go. */
export function loopbackOf(miner: number): string {
  return `127.0.${1 + (miner >> 7)}.${1 + (miner & 127)}`;
}

/** @returns no task, and what was answered instead, when none was lent */
export async function pullOver(connection: RawConnection, calling: Calling) {
  const pull = buildRequest({ ...calling, synapse: "PullTask", nonce: nonceNow() });
  const startedAt = performance.now();
  const { status, body } = await connection.send(pull.head, pull.body);
  const ms = performance.now() - startedAt;
  const lent: LentTask | null | undefined = status === 200 ? JSON.parse(body).task : undefined;
  return lent === undefined || lent === null
    ? { ms, wrong: `${status} ${lent === null ? "without a task" : body.slice(0, 200)}` }
    : { ms, task: lent };
}

/** @returns no verdict, and what was answered instead, when there was none */
export async function submitOver(
  connection: RawConnection,
  { task, asset, ...calling }: Calling & { readonly task: LentTask; readonly asset: Buffer },
) {
  const submitTime = BigInt(Date.now()) * 1_000_000n;
  const facts = { submitTime, prompt: task.prompt, validatorHotkey: calling.axonHotkey };
  const fields = {
    task_id: task.id,
    results: asset.toString("base64"),
    data_format: "ply",
    compression: 0,
    submit_time: Number(submitTime), // prints as it is: whole milliseconds
    signature: signSubmission(calling.caller, facts),
  };
  const submit = buildRequest({
    ...{ ...calling, synapse: "SubmitResults", nonce: nonceNow(), fields },
    zeros: { results: '""', submit_time: "0", signature: '""' },
    headers: { timeout: "300.0" },
  });
  const startedAt = performance.now();
  const { status, body } = await connection.send(submit.head, submit.body);
  const ms = performance.now() - startedAt;
  const verdict: string | undefined =
    status === 200 ? JSON.parse(body).feedback?.verdict : undefined;
  return verdict === undefined ? { ms, wrong: `${status} ${body.slice(0, 200)}` } : { ms, verdict };
}

let lastNonce = 0n;

function nonceNow(): bigint {
  const now = BigInt(Date.now()) * 1_000_000n;
  lastNonce = now > lastNonce ? now : lastNonce + 1n;
  return lastNonce;
}
