/** How a coordinator is doing, for Prometheus: what an alert or a dashboard asks beside the counters of events. */
import type { Metrics } from "@turntable/process";
import type { Status } from "./status.ts";

export interface HealthSources {
  /** When the oldest submission of each class came that has no verdict, ms since 1970 UTC. */
  readonly oldestWaiting: () => ReadonlyMap<string, number>;
  /** The same of clients' own assets. */
  readonly oldestScoring: () => number | undefined;
  /** Free bytes of the data directory's disk; infinite while that is not known. */
  readonly freeBytes: () => number;
  /** Free bytes below which nothing is taken. */
  readonly reserveBytes: number;
  /** ms since 1970 UTC */
  readonly now: () => number;
}

const classes = ["organic", "scoring", "synthetic"] as const;

/** Makes the gauges in `metrics`; whoever takes a status calls what is returned. */
export function observeHealth(
  { meter }: Metrics,
  { oldestWaiting, oldestScoring, freeBytes, reserveBytes, now }: HealthSources,
): (status: Status) => void {
  let latest: Status | undefined;
  /** By subnet: the highest block that the chain told, and when it was first told. */
  const heads = new Map<number, { readonly block: number; readonly since: number }>();

  const gauge = (
    name: string,
    description: string,
    observe: (
      tell: (value: number, labels?: Readonly<Record<string, string | number>>) => void,
    ) => void,
  ): void => {
    meter.createObservableGauge(name, { description }).addCallback((result) => {
      observe((value, labels) => result.observe(value, labels));
    });
  };
  /** Tells nothing before the first status. */
  const ofStatus = (name: string, description: string, read: (status: Status) => number): void =>
    gauge(name, description, (tell) => {
      if (latest !== undefined) {
        tell(read(latest));
      }
    });

  ofStatus("turntable_ready", "1 while the coordinator can do its work, else 0", (status) =>
    status.notReady === null ? 1 : 0,
  );
  ofStatus("turntable_queue_up", "1 while the job queue (NATS) answers, else 0", (status) =>
    status.queue === null ? 0 : 1,
  );
  gauge(
    "turntable_queue_jobs",
    "jobs that wait or are in work, by class; absent while the queue is away",
    (tell) => {
      for (const name of classes) {
        if (latest?.queue) {
          tell(latest.queue[name], { class: name });
        }
      }
    },
  );
  gauge(
    "turntable_dead_letters",
    "jobs that were given up and can be replayed; absent while the queue is away",
    (tell) => {
      if (typeof latest?.deadLetters === "number") {
        tell(latest.deadLetters);
      }
    },
  );
  gauge(
    "turntable_queue_oldest_seconds",
    "age of the oldest work that waits for its verdict, in seconds, by class; 0 when none waits",
    (tell) => {
      const oldest = oldestWaiting();
      for (const name of classes) {
        const since = name === "scoring" ? oldestScoring() : oldest.get(name);
        tell(since === undefined ? 0 : Math.max(0, (now() - since) / 1000), { class: name });
      }
    },
  );
  ofStatus(
    "turntable_workers",
    "workers whose results came within the last ten minutes",
    (status) => status.workers,
  );
  ofStatus("turntable_miners", "registered miners", (status) => status.miners);
  gauge("turntable_chain_block", "block of the latest look at the chain, by subnet", (tell) => {
    for (const [netuid, { block }] of heads) {
      tell(block, { netuid });
    }
  });
  gauge(
    "turntable_chain_age_seconds",
    "since a look at the chain showed a new block, in seconds, by subnet",
    (tell) => {
      for (const [netuid, { since }] of heads) {
        tell(Math.max(0, (now() - since) / 1000), { netuid });
      }
    },
  );
  gauge("turntable_disk_free_bytes", "free bytes of the data directory's disk", (tell) => {
    const free = freeBytes();
    if (Number.isFinite(free)) {
      tell(free);
    }
  });
  gauge(
    "turntable_disk_reserve_bytes",
    "free bytes below which neither tasks nor submissions are taken",
    (tell) => tell(reserveBytes),
  );

  return (status) => {
    latest = status;
    for (const { netuid, block } of status.validators) {
      const head = heads.get(netuid);
      if (head === undefined || block > head.block) {
        heads.set(netuid, { block, since: status.at });
      }
    }
  };
}
