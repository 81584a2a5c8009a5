import type { Metrics } from "@turntable/process";
import type { StandbyView } from "./view.ts";

/** Gauges of a coordinator that leads or stands by. */
export function observeStandby({ meter }: Metrics, view: StandbyView): void {
  const gauge = (name: string, description: string, value: () => number | undefined): void =>
    meter.createObservableGauge(name, { description }).addCallback((result) => {
      const found = value();
      if (found !== undefined) {
        result.observe(found);
      }
    });
  gauge("turntable_standby_leading", "1 while this coordinator leads, 0 while it stands by", () =>
    view.isLeading() ? 1 : 0,
  );
  gauge(
    "turntable_standby_lease_age_seconds",
    "since the lease was renewed, or seen to be by who stands by",
    () => {
      const ms = view.leaseAgeMs();
      return ms === undefined ? undefined : ms / 1_000;
    },
  );
  gauge("turntable_standby_log_position", "last entry of the log that is in this database", () =>
    view.position(),
  );
  gauge(
    "turntable_standby_lag_entries",
    "entries of the log that are not in this database yet",
    () => view.lag(),
  );
  gauge(
    "turntable_standby_missing_assets",
    "kept assets that are not here yet or, of who leads, not with the others yet",
    () => view.missingAssets(),
  );
}
