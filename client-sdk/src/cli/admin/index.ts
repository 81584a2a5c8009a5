/** `turntable admin`: what the operator of a coordinator sees and does, over its admin port. */
import type { CliCommand } from "../command.ts";
import type { Run } from "../context.ts";
import { addDeadLetters } from "./dead-letters.ts";
import { addKeys } from "./keys.ts";
import { addMiners } from "./miners.ts";
import { addPrompts } from "./prompts.ts";
import { addIntake, addStatus } from "./status.ts";
import { addAllTasks } from "./tasks.ts";
import { addWeights } from "./weights.ts";
import { addWorkers } from "./workers.ts";

export function addAdmin(program: CliCommand, run: Run): void {
  const admin = program
    .command("admin")
    .description("for operators: the coordinator's admin port (--server, TURNTABLE_ADMIN_SERVER)");
  for (const add of [
    addStatus,
    addIntake,
    addMiners,
    addWorkers,
    addAllTasks,
    addDeadLetters,
    addWeights,
    addPrompts,
    addKeys,
  ]) {
    add(admin, run);
  }
}
