/** Mining by hand: one task, asked for and answered with bytes of the test's choice. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { pullTask, submitResults } from "@turntable/bittensor/synapse";
import { signedResults } from "../harness/coordinator.ts";
import type { Subnet } from "./subnet.ts";

/** Creates a task and gives it to the miner, waiting out its cooldown. */
export async function takeTask(subnet: Subnet, prompt: string) {
  const task = await subnet.client.create(prompt);
  for (;;) {
    const pulled = await subnet.dendrite.call(pullTask, { target: subnet.target, body: {} });
    assert.ok(pulled.kind === "ok", pulled.message ?? "");
    if (pulled.fields.task?.id === task.id) {
      return task;
    }
    const waitMs = pulled.fields.cooldown_until * 1000 - Date.now();
    await sleep(Math.max(waitMs, 0), undefined, { signal: subnet.ended });
  }
}

/** Submits until there is feedback, as a miner does whose call broke off. */
export async function submit(
  subnet: Subnet,
  task: { readonly id: string; readonly prompt: string },
  bytes: Uint8Array,
) {
  const body = signedResults(subnet, task, bytes);
  for (;;) {
    const outcome = await subnet.dendrite.call(submitResults, { target: subnet.target, body });
    if (outcome.kind === "ok" && outcome.fields.feedback !== null) {
      return outcome.fields;
    }
    assert.notEqual(outcome.status, 401, outcome.message ?? "");
    assert.notEqual(outcome.status, 403, outcome.message ?? "");
    // A refused connection answers at once; the coordinator takes a moment to come back.
    await sleep(200, undefined, { signal: subnet.ended });
  }
}

export async function mine(subnet: Subnet, prompt: string, bytes: Uint8Array) {
  return submit(subnet, await takeTask(subnet, prompt), bytes);
}
