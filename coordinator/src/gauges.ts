/** What metrics ask when they are read: how much of something there is now. */
import type { Metrics } from "@turntable/process";
import type { Audits } from "./audits/index.ts";
import type { Retention } from "./retention/index.ts";
import { type StorageOptions, type StorageQueue, targetsOf } from "./storage/index.ts";
import type { TaskState } from "./tasks/index.ts";

/** Lets metrics tell how many tasks have not ended, by state. */
export function observeOpenTasks(
  { meter }: Metrics,
  countOpen: () => Readonly<Partial<Record<TaskState, number>>>,
): void {
  meter
    .createObservableGauge("turntable_open_tasks", { description: "tasks that have not ended" })
    .addCallback((gauge) => {
      const counts = countOpen();
      for (const state of ["queued", "assigned", "scoring"] as const) {
        gauge.observe(counts[state] ?? 0, { state });
      }
    });
}

/** Lets metrics tell how many audits are open, and how many workers are shut out. */
export function observeAudits(
  { meter }: Metrics,
  audits: Pick<Audits, "countOpen" | "quarantined">,
): void {
  meter
    .createObservableGauge("turntable_open_audits", { description: "audits that have not ended" })
    .addCallback((gauge) => gauge.observe(audits.countOpen()));
  meter
    .createObservableGauge("turntable_quarantined_workers", {
      description: "workers that get no jobs since their scores drifted",
    })
    .addCallback((gauge) => gauge.observe(audits.quarantined().length));
}

/** Lets metrics tell how many bytes the assets and the database have. */
export function observeStorage(
  { meter }: Metrics,
  retention: Pick<Retention, "assetBytes" | "databaseBytes">,
): void {
  meter
    .createObservableGauge("turntable_storage_bytes", { description: "bytes kept, by what" })
    .addCallback((gauge) => {
      gauge.observe(retention.assetBytes(), { what: "assets" });
      gauge.observe(retention.databaseBytes(), { what: "database" });
    });
}

/** Lets metrics tell how many prompts there are to draw from. */
export function observePrompts({ meter }: Metrics, count: () => number): void {
  meter
    .createObservableGauge("turntable_prompts", { description: "prompts of synthetic tasks" })
    .addCallback((gauge) => gauge.observe(count()));
}

/** Lets metrics tell what waits to be stored outside. */
export function observeStorageQueue(
  { meter }: Metrics,
  storage: StorageOptions,
  queue: Pick<StorageQueue, "waiting">,
): void {
  meter
    .createObservableGauge("turntable_asset_store_queue", {
      description: "accepted assets that wait to be stored outside, by target",
    })
    .addCallback((gauge) => {
      for (const { name: target } of targetsOf(storage)) {
        gauge.observe(queue.waiting(target).assets, { target });
      }
    });
}
