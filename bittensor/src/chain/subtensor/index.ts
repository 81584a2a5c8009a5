export { connectSubtensor, type SubtensorOptions } from "./subtensor.ts";
