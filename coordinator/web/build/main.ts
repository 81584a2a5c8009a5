/** `npm run build -w coordinator/web [-- DIRECTORY]` */
import { resolve } from "node:path";
import { buildPage } from "./build.ts";
import { pageFolder } from "./index.ts";

await buildPage(resolve(process.argv[2] ?? pageFolder));
