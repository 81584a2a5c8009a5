import type { Logger } from "@turntable/process";
import type { StandbyEvent } from "./view.ts";

const sentences = {
  following: "standing by",
  restored: "the database was restored from a copy",
  leading: "leading",
  copied: "a copy of the database was stored",
  released: "the lease was given back",
} as const satisfies Record<Exclude<StandbyEvent["kind"], "trouble">, string>;

/** Writes an event to the log. */
export function logStandbyEvent(logger: Logger, event: StandbyEvent): void {
  if (event.kind === "trouble") {
    logger.warn({ err: event.error }, event.what);
    return;
  }
  const { kind, ...facts } = event;
  logger.info(facts, sentences[kind]);
}
