/** From a prompt to a file in one call. Start a coordinator first: npm start */
import { writeFile } from "node:fs/promises";
import { createTurntableClient, verifyAssetOrigin } from "@turntable/client";

using client = createTurntableClient({ address: process.argv[2] ?? "127.0.0.1:50051" });

const { asset, bytes, task } = await client.generate("a red cube", {
  signal: AbortSignal.timeout(600_000),
  onProgress: (event) => console.log(event.kind),
});
const origin = await verifyAssetOrigin(asset);
await writeFile("cube.ply", bytes);
console.log(
  `task ${task.id}: ${bytes.length} bytes, score ${asset.score}, signature ${origin.kind}`,
);
