/** Prints the GPUs that WebGPU offers here as JSON, in a process of its own: a driver may take it down. */
import { gpuNames, requestAdapter } from "./library.ts";
import { describe, refusalOf } from "./open-device.ts";

const gpus = [];
for (const name of await gpuNames()) {
  const adapter = await requestAdapter(name);
  if (adapter === null) {
    continue;
  }
  gpus.push({
    name,
    driver: adapter.info.description || describe(adapter.info),
    isSoftware: adapter.info.isFallbackAdapter,
    mostBytes: Math.min(adapter.limits.maxBufferSize, adapter.limits.maxStorageBufferBindingSize),
    refusal: refusalOf(adapter, true),
  });
}
process.stdout.write(`${JSON.stringify(gpus)}\n`);
