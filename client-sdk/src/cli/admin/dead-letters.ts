import { ListDeadLettersResponseSchema, ReplayDeadLetterResponseSchema } from "@turntable/proto";
import type { CliCommand } from "../command.ts";
import type { CommonFlags, Run } from "../context.ts";
import { formatBytes, printable, table } from "../text.ts";
import {
  more,
  type PageFlags,
  pageOf,
  runAdmin,
  timeText,
  withAdminOptions,
  withPageOptions,
} from "./verb.ts";

export function addDeadLetters(admin: CliCommand, run: Run): void {
  const letters = admin.command("dead-letters").description("jobs that were given up");
  const list = letters.command("list", { isDefault: true });
  list.isStandIn = true;
  withAdminOptions(withPageOptions(list))
    .description("list them, oldest first")
    .action((flags: PageFlags) =>
      runAdmin(run, flags, ListDeadLettersResponseSchema, {
        ask: (client, options) => client.listDeadLetters(pageOf(flags), options),
        describe: ({ deadLetters }) =>
          table(
            ["JOB", "CLASS", "TIME", "ATTEMPTS", "SIZE", "REASON", "PROMPT"],
            deadLetters.map((letter) => [
              printable(letter.jobId),
              printable(letter.jobClass),
              timeText(letter.time),
              String(letter.attempts),
              formatBytes(letter.assetSizeBytes),
              printable(letter.reason),
              printable(letter.prompt),
            ]),
            ["ATTEMPTS", "SIZE"],
          ),
        note: more("turntable admin dead-letters"),
      }),
    );
  withAdminOptions(letters.command("replay <JOB>"))
    .description("queue one again")
    .action((jobId: string, flags: CommonFlags) =>
      runAdmin(run, flags, ReplayDeadLetterResponseSchema, {
        ask: (client, options) => client.replayDeadLetter({ jobId }, options),
        describe: () => `${printable(jobId)} is queued again\n`,
      }),
    );
}
