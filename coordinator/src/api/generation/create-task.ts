import { alreadyExists, exhausted, tooLarge, unavailable } from "../errors.ts";
import { checkPrompt } from "../prompt.ts";
import { messageOf } from "../task-message.ts";
import type { GenerationOptions, Rpc } from "./service.ts";

/** Longest idempotency key, in UTF-16 units. */
const maxIdempotencyKeyChars = 128;
/** When a client is told to come back while nothing is taken, in ms. */
const closedRetryMs = 5_000;

/** Takes a prompt; the same idempotency key and prompt give the same task again. */
export function createTask(options: GenerationOptions): Rpc<"createTask"> {
  const { tasks, maxPromptChars, now } = options;
  return async ({ prompt, idempotencyKey }, { client }) => {
    checkPrompt(prompt, maxPromptChars);
    if (idempotencyKey.length > maxIdempotencyKeyChars) {
      throw tooLarge(
        "idempotency_key",
        `has ${idempotencyKey.length} characters; at most ${maxIdempotencyKeyChars} are allowed`,
      );
    }
    const reason = options.takesNothing?.();
    if (reason !== undefined) {
      throw unavailable(reason, closedRetryMs);
    }
    const outcome = tasks.create(
      { class: "organic", prompt, client, idempotencyKey: idempotencyKey || undefined },
      now(),
    );
    switch (outcome.kind) {
      case "created":
      case "repeated":
        return { task: messageOf(options, outcome.task) };
      case "conflict":
        throw alreadyExists(
          "idempotency_key was used with another prompt; use a new key for a new task",
        );
      case "full":
        throw exhausted(
          "tasks",
          `${outcome.limit} tasks ${outcome.of === "client" ? "of yours " : ""}are open, which is the limit; try again when some have ended`,
          outcome.retryAfterMs,
        );
      default:
        throw new TypeError(`unknown outcome ${String(outcome satisfies never)}`);
    }
  };
}
