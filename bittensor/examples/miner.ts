import { type AxonTarget, createDendrite } from "@turntable/bittensor/dendrite";
import type { Keypair } from "@turntable/bittensor/keys";
import { pullTask, signSubmission, submitResults } from "@turntable/bittensor/synapse";

/** Pulls a task, makes an asset of it and submits that, signed. */
export async function mineOnce(
  hotkey: Keypair,
  target: AxonTarget,
  make: (prompt: string) => Buffer,
) {
  await using dendrite = createDendrite({ hotkey });
  const pulled = await dendrite.call(pullTask, { target, body: {} });
  if (pulled.kind === "failure" || pulled.fields.task === null) {
    return pulled;
  }
  const { task } = pulled.fields;
  const submit_time = BigInt(Date.now()) * 1_000_000n;
  const facts = { submitTime: submit_time, prompt: task.prompt, validatorHotkey: target.hotkey };
  const results = make(task.prompt).toString("base64");
  const body = {
    task,
    task_id: task.id,
    results,
    submit_time,
    signature: signSubmission(hotkey, facts),
  };
  return await dendrite.call(submitResults, { target, body });
}
