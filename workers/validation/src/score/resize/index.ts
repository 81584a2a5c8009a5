export { createResize, type Resize } from "./resize.ts";
