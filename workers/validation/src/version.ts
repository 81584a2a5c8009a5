import { createRequire } from "node:module";

/** Of this package; goes into reports. */
export const version: string = createRequire(import.meta.url)("../package.json").version;
