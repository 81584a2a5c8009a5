import type { TurntableClient } from "../client.ts";
import type { Arguments, VerbSpec } from "./arguments.ts";
import type { Output } from "./output.ts";

/** What a verb works with. */
export interface VerbContext {
  readonly client: TurntableClient;
  readonly args: Arguments;
  readonly output: Output;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** What the user can do to go on when the verb ends early. */
  suggest(command: string): void;
}

export interface Verb extends VerbSpec {
  run(context: VerbContext): Promise<void>;
}
