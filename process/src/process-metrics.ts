/** What Prometheus' dashboards ask of every process, under the names that its client libraries give. */
import { readdirSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Meter } from "@opentelemetry/api";

/** The delay is sampled this often, in ms. */
const resolution = 20;

/** Lets `meter` tell of this process: processor time, memory, open files, start, and how late its event loop is. */
export function observeProcess(meter: Meter): void {
  meter
    .createObservableCounter("process_cpu_seconds", {
      description: "processor time of the process, user and system, in seconds",
    })
    .addCallback((result) => {
      const { user, system } = process.cpuUsage();
      result.observe((user + system) / 1e6);
    });
  const gauge = (name: string, description: string, read: () => number | undefined): void => {
    meter.createObservableGauge(name, { description }).addCallback((result) => {
      const value = read();
      if (value !== undefined) {
        result.observe(value);
      }
    });
  };
  gauge("process_resident_memory_bytes", "resident memory, in bytes", process.memoryUsage.rss);
  gauge(
    "nodejs_heap_size_used_bytes",
    "JavaScript objects on V8's heap, in bytes",
    () => process.memoryUsage().heapUsed,
  );
  gauge(
    "nodejs_external_memory_bytes",
    "memory of buffers and other objects outside of V8's heap, in bytes",
    () => process.memoryUsage().external,
  );
  const startedAt = Date.now() / 1000 - process.uptime();
  gauge(
    "process_start_time_seconds",
    "when the process started, seconds since 1970 UTC",
    () => startedAt,
  );
  gauge("process_open_fds", "open file descriptors; absent where there is no /proc", openFiles);

  const delay = monitorEventLoopDelay({ resolution });
  delay.enable();
  gauge(
    "nodejs_eventloop_lag_p99_seconds",
    "how late the event loop was since the last reading, 99th percentile, in seconds",
    () => {
      // Each sample is the time between two looks, which are a resolution apart when nothing is late.
      const late = delay.count === 0 ? 0 : delay.percentile(99) / 1e9 - resolution / 1000;
      delay.reset();
      return Math.max(0, late);
    },
  );
}

function openFiles(): number | undefined {
  try {
    return readdirSync("/proc/self/fd").length - 1; // one is the listing's own
  } catch {
    return undefined;
  }
}
