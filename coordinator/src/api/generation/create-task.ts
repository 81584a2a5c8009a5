import { alreadyExists, exhausted, invalidArgument, tooLarge, unavailable } from "../errors.ts";
import { type GenerationOptions, messageOf, type Rpc } from "./service.ts";

/** Longest idempotency key, in UTF-16 units. */
const maxIdempotencyKeyChars = 128;
/** When a client that found no room is told to come back: until then a few tasks will have ended, in ms. */
const fullRetryMs = 5_000;

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
    if (reason !== undefined) throw unavailable(reason, fullRetryMs);
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
          `${outcome.limit} tasks are open, which is the limit; try again when some have ended`,
          fullRetryMs,
        );
      default:
        throw new TypeError(`unknown outcome ${String(outcome satisfies never)}`);
    }
  };
}

function checkPrompt(prompt: string, maxChars: number): void {
  if (prompt.trim() === "") throw invalidArgument("prompt", "is empty; say what to make");
  if (/\p{Cc}/u.test(prompt)) {
    throw invalidArgument(
      "prompt",
      "has control characters (a line break, say); give one line of text",
    );
  }
  if (prompt.length <= maxChars) return; // characters are at most as many as UTF-16 units
  const chars = [...prompt].length;
  if (chars > maxChars) {
    throw tooLarge("prompt", `has ${chars} characters; at most ${maxChars} are allowed`);
  }
}
