/** What the operator's verbs have in common: an answer, shown as JSON or for people. */
import { type DescMessage, type MessageShape, toJson } from "@bufbuild/protobuf";
import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import type { AdminClient } from "../../admin.ts";
import { type CommonFlags, type Run, runVerb, withCommonOptions } from "../context.ts";
import { whole } from "../usage.ts";

/** Puts options that lead to the admin port on a verb, and `--json`. */
export const withAdminOptions = (verb: Command): Command => withCommonOptions(verb, "admin");

/** Asks, and prints the answer. */
export function runAdmin<M extends DescMessage>(
  run: Run,
  flags: CommonFlags,
  schema: M,
  verb: {
    readonly ask: (
      admin: AdminClient,
      options: { readonly signal: AbortSignal },
    ) => Promise<MessageShape<M>>;
    readonly describe: (answer: MessageShape<M>) => string;
    /** For the notes beside the result. */
    readonly note?: (answer: MessageShape<M>) => string | undefined;
  },
): Promise<void> {
  return runVerb(run, flags, async ({ admin, json, output, signal }) => {
    const answer = await verb.ask(admin, { signal });
    await output.write(
      json ? `${JSON.stringify(toJson(schema, answer))}\n` : verb.describe(answer),
    );
    const note = json ? undefined : verb.note?.(answer);
    if (note !== undefined) {
      output.note(note);
    }
  });
}

export interface PageFlags extends CommonFlags {
  readonly limit?: number;
  readonly pageToken?: string;
}

const maxPageSize = 500;

export function withPageOptions(verb: Command): Command {
  return verb
    .option(
      "--limit <N>",
      `at most this many, up to ${maxPageSize} [50]`,
      whole("limit", 1, maxPageSize),
    )
    .option("--page-token <TOKEN>", "where the page before ended");
}

export const pageOf = ({ limit = 0, pageToken = "" }: PageFlags) => ({
  pageSize: limit,
  pageToken,
});

/** How to see the next page, if there is one. */
export const more =
  (command: string) =>
  ({ nextPageToken }: { readonly nextPageToken: string }): string | undefined =>
    nextPageToken === "" ? undefined : `more: ${command} --page-token ${nextPageToken}`;

/** `2026-11-29 20:15:03` in UTC; nothing for no time. */
export function timeText(time: Timestamp | undefined): string {
  return time === undefined ? "" : timestampDate(time).toISOString().slice(0, 19).replace("T", " ");
}

/** Names and values below each other. */
export function facts(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows
    .map(([name, value]) => `${name.padEnd(width)}  ${value}`.trimEnd().concat("\n"))
    .join("");
}
