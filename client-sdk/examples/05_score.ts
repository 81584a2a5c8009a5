/** How well does an asset of one's own fit a prompt? What the subnet's own judge says of the cube of 01_generate.ts. */
import { openAsBlob } from "node:fs";
import { createTurntableClient, verifyReport } from "@turntable/client";

using client = createTurntableClient({ address: process.argv[2] ?? "127.0.0.1:50051" });

const report = await client.score(await openAsBlob("cube.ply"), "a red cube", {
  onProgress: ({ receivedBytes, sizeBytes }) => console.log(`${receivedBytes} of ${sizeBytes}`),
});
const signature = await verifyReport(report);
console.log(`${report.score} by ${report.model?.name}, ${signature.kind}`);
