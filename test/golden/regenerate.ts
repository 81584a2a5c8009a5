/** Makes the golden picture again, after a change that is meant to be seen. Look at the difference before committing. */
import { startCpuRenderer, writePng } from "@turntable/validation";
import { goldenFile, renderGolden } from "./views.ts";

await using renderer = await startCpuRenderer(1);
await writePng(goldenFile, await renderGolden(renderer));
