import { ListPromptsResponseSchema } from "@turntable/proto";
import type { CliCommand } from "../command.ts";
import type { Run } from "../context.ts";
import { printable } from "../text.ts";
import {
  more,
  type PageFlags,
  pageOf,
  runAdmin,
  withAdminOptions,
  withPageOptions,
} from "./verb.ts";

export function addPrompts(admin: CliCommand, run: Run): void {
  withAdminOptions(withPageOptions(admin.command("prompts")))
    .description("the prompts that synthetic tasks are drawn from")
    .action((flags: PageFlags) =>
      runAdmin(run, flags, ListPromptsResponseSchema, {
        ask: (client, options) => client.listPrompts(pageOf(flags), options),
        describe: ({ prompts }) => prompts.map((prompt) => `${printable(prompt)}\n`).join(""),
        note: more("turntable admin prompts"),
      }),
    );
}
