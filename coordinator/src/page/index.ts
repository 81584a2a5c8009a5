export { attachPage, type PageOptions } from "./page.ts";
