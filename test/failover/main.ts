/** `npm run test:failover -- --runs N --seed S`: exits with 1 when something that was acknowledged is not as promised. */
import { parseArgs } from "node:util";
import { losses, runFailovers } from "./failover.ts";

/** A lost coordinator is replaced within this time, in ms. */
const promisedMs = 30_000;

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "20" },
    seed: { type: "string", default: "1" },
    miners: { type: "string", default: "8" },
    "lease-ms": { type: "string", default: "10000" },
    "nats-servers": { type: "string", default: "1" },
  },
});
const run = await runFailovers({
  runs: Number(values.runs),
  seed: Number(values.seed),
  miners: Number(values.miners),
  leaseMs: Number(values["lease-ms"]),
  natsServers: values["nats-servers"] === "3" ? 3 : 1,
  onFailover: ({ loss, readyMs, answeredMs }) =>
    console.log(
      `${loss}: ready after ${Math.round(readyMs)} ms, answered after ${Math.round(answeredMs)} ms`,
    ),
});
console.log(`seed ${values.seed}: ${run.created} tasks acknowledged, ${run.told} verdicts told`);
const wrong = [...run.wrong];
for (const loss of losses) {
  const took = run.failovers
    .filter((failover) => failover.loss === loss)
    .map(({ answeredMs }) => answeredMs)
    .toSorted((a, b) => a - b);
  const [shortest] = took;
  const median = took[Math.floor(took.length / 2)];
  const longest = took.at(-1);
  if (shortest === undefined || median === undefined || longest === undefined) {
    continue;
  }
  console.log(
    `${loss}, ${took.length} times: answered again after ${Math.round(shortest)} to ${Math.round(longest)} ms, median ${Math.round(median)}`,
  );
  if (longest > promisedMs) {
    wrong.push(`${loss}: it took ${Math.round(longest)} ms, not ${promisedMs} at most`);
  }
}
for (const problem of wrong) {
  console.error(problem);
}
if (wrong.length > 0) {
  process.exitCode = 1;
} else {
  console.log("all that was acknowledged is as promised");
}
