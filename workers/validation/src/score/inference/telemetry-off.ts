/**
 * ONNX Runtime reports to its maker from version 1.29 on unless this variable is there when it is loaded, and with it
 * neither connects nor writes a device id. Imported before the library, by every module that loads it.
 * Source: microsoft/onnxruntime, pull requests 27379 and 29843.
 *
 * T1 In the main thread `process.env` is the process's environment, which the library reads. A worker thread has a
 *    copy, so whoever starts the thread imports this module first; a thread that finds it undone does not go on.
 */
import { isMainThread } from "node:worker_threads";

const name = "ORT_DISABLE_TELEMETRY";

// biome-ignore lint/style/noProcessEnv: what is set here is for the library, not read as a setting of ours
const variables = process.env;
if (isMainThread) {
  variables[name] = "1";
} else if (variables[name] !== "1") {
  throw new Error(`T1: ${name} is set in the main thread, before a thread that runs models starts`);
}
