/** Why did an asset get its score? Its worst views, with where the camera was. */
import { createTurntableClient, verifyReport } from "@turntable/client";

using client = createTurntableClient({ address: process.argv[2] ?? "127.0.0.1:50051" });

const { tasks } = await client.list({ pageSize: 1 });
const [latest] = tasks;
if (latest === undefined) {
  throw new Error("no tasks yet: run 01_generate.ts first");
}
const report = await client.report(latest.id);
const signature = await verifyReport(report, { validatorHotkey: latest.asset?.validatorHotkey });
console.log(`"${report.prompt}": ${report.score} by ${report.model?.name}, ${signature.kind}`);
const worst = report.views.toSorted((a, b) => a.probability - b.probability).slice(0, 3);
for (const view of worst) {
  console.log(`  ${view.probability.toFixed(3)} at ${view.azimuthDeg}°, ${view.elevationDeg}°`);
}
