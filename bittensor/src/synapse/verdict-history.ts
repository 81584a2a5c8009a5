/**
 * A message class of ours: a miner asks a validator why it earned what it earned. Python's clients know nothing of it, and a
 * validator that is not ours answers 404.
 */
import { bool, float, int, list, model, nullable, str, withDefault } from "./field.ts";
import { defineSynapse } from "./synapse.ts";

export const verdictModel = model({
  /** Counts the validator's verdicts, of all miners. */
  number: withDefault(int, 0),
  /** Unix ms. */
  at: withDefault(int, 0),
  /** Empty when the miner submitted for a task that it did not have, and when the task was removed since. */
  task_id: withDefault(str, ""),
  verdict: withDefault(str, ""),
  /** Why, in one word. */
  code: withDefault(str, ""),
  reason: withDefault(str, ""),
  score: withDefault(float, 0),
  fidelity: withDefault(float, 0),
  /** The miner's, after this verdict. */
  average_fidelity: withDefault(float, 0),
  /** Accepted results in its window, after this verdict. */
  observations: withDefault(int, 0),
  reward: withDefault(float, 0),
  /** Unix ms. */
  cooldown_until: withDefault(int, 0),
  /** What the validator set on chain next, 0 to 65535; null while it has not. */
  weight: withDefault(nullable(int), null),
  /** The block of that. */
  weight_block: withDefault(nullable(int), null),
});

export const verdictHistory = defineSynapse("VerdictHistory", {
  /** At most so many; a validator gives fewer when that is more than its own limit. */
  limit: withDefault(int, 25),
  /** Only verdicts before the one with this number; 0 begins with the newest. */
  before: withDefault(int, 0),
  /** The caller's own, newest first. */
  verdicts: withDefault(list(verdictModel), []),
  /** There are older ones. */
  more: withDefault(bool, false),
});
