/** `npm run test:crash -- --kills N --seed S`: exits with 1 when something that was acknowledged is not as promised. */
import { parseArgs } from "node:util";
import { runCrashes } from "./crash.ts";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "20" },
    seed: { type: "string", default: "1" },
    miners: { type: "string", default: "16" },
  },
});
const run = await runCrashes({
  kills: Number(values.kills),
  seed: Number(values.seed),
  miners: Number(values.miners),
  onKill: (count, afterMs) => console.log(`kill ${count} after ${afterMs} ms`),
});
console.log(
  `seed ${values.seed}, ${values.kills} kills: ${run.created} tasks created, ${run.cancelled} cancelled, ${run.told} verdicts told, ${run.scored} jobs done`,
);
for (const problem of run.wrong) {
  console.error(problem);
}
if (run.wrong.length > 0) {
  process.exitCode = 1;
} else {
  console.log("all that was acknowledged is as promised");
}
