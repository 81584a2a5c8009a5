/**
 * Before there is a coordinator: its process waits for the chain and for NATS, and answers probes meanwhile, so that
 * nobody takes the waiting for a fault and starts it again.
 */
import { type ChainEvent, logChainEvent } from "@turntable/bittensor/subtensor";
import { logNatsEvent, type NatsEvent } from "@turntable/bus/nats";
import {
  createMetrics,
  hostAndPort,
  type Logger,
  startStatusServer,
  type TlsFiles,
} from "@turntable/process";

import {
  logStandbyEvent,
  observeStandby,
  type StandbyEvent,
  type StandbyView,
} from "./standby/index.ts";

export interface WaitingRoom extends AsyncDisposable {
  onChainEvent(event: ChainEvent): void;
  onNatsEvent(event: NatsEvent): void;
  /** What is waited for from here on, e.g. "the chain". */
  waitFor(what: string): void;
  onStandbyEvent(event: StandbyEvent): void;
  /** What metrics show of a coordinator that stands by. */
  observe(view: StandbyView): void;
}

/** Serves `/livez`, `/readyz` and `/metrics` until it is disposed; the coordinator's own status server takes the port over. */
export async function openWaitingRoom(
  listen: { readonly host: string; readonly port: number; readonly tls: TlsFiles | undefined },
  logger: Logger,
): Promise<WaitingRoom> {
  let waitingFor = "the start";
  let reason = "";
  let standby: StandbyView | undefined;
  const metrics = createMetrics("turntable-coordinator");
  const description = "1 while the coordinator can do its work, else 0";
  metrics.meter.createObservableGauge("turntable_ready", { description }).addCallback((result) => {
    // Who stands by for another is not what anybody has to look at.
    if (standby?.leader() === undefined) {
      result.observe(0);
    }
  });
  const server = await startStatusServer({
    ...listen,
    tls: listen.tls && {
      ...listen.tls,
      onTrouble: (what, error) => logger.warn({ err: error }, what),
    },
    metrics,
    notReady: () => `waiting for ${waitingFor}${reason}`,
  });
  logger.info({ http: hostAndPort(listen.host, server.port) }, "starting");
  return {
    waitFor(what) {
      waitingFor = what;
      reason = "";
    },
    // Both also tell of what happens after the start, to the log
    onChainEvent(event) {
      if (event.kind === "away") {
        reason = `: ${event.url}: ${event.reason}`;
      }
      logChainEvent(logger, event);
    },
    onNatsEvent(event) {
      if (event.kind === "trouble") {
        reason = `: ${event.what}`;
      }
      logNatsEvent(logger, event);
    },
    onStandbyEvent(event) {
      if (event.kind === "following") {
        reason = `: ${event.leader} leads`;
      }
      logStandbyEvent(logger, event);
    },
    observe(view) {
      standby = view;
      observeStandby(metrics, view);
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
