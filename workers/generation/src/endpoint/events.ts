/** What happens at the endpoint, as metrics and for the log. */
import type { HttpRequestEvent, Metrics, WorkQueue } from "@turntable/process";

export interface GenerationEvent {
  readonly prompt: string;
  readonly splats: number;
  readonly sizeBytes: number;
  readonly unknownWords: readonly string[];
  readonly queuePosition: number;
  /** With the time in the line. */
  readonly durationMs: number;
}

export interface Events {
  generated(event: GenerationEvent): void;
  /** Every request, when it is over. */
  request(event: HttpRequestEvent): void;
}

export interface EventListeners {
  readonly onGenerated?: (event: GenerationEvent) => void;
  readonly onBug?: (error: unknown, errorId: string) => void;
}

export function createEvents(
  { meter }: Metrics,
  engine: string,
  queue: WorkQueue,
  { onGenerated, onBug }: EventListeners,
): Events {
  const requests = meter.createCounter("turntable_generator_requests", {
    description: "requests by outcome: ok, or the error's code",
  });
  const seconds = meter.createHistogram("turntable_generator_duration_seconds", {
    description: "from the request to the asset",
  });
  const gauge = (name: string, description: string, read: () => number): void => {
    meter.createObservableGauge(name, { description }).addCallback((r) => r.observe(read()));
  };
  gauge("turntable_generator_waiting", "requests in the line", () => queue.waiting);
  gauge("turntable_generator_running", "requests at work", () => queue.running);
  return {
    generated(event) {
      requests.add(1, { engine, outcome: "ok" });
      seconds.record(event.durationMs / 1000, { engine });
      onGenerated?.(event);
    },
    request({ code, errorId, error }) {
      if (code !== undefined) {
        requests.add(1, { engine, outcome: code });
      }
      if (errorId !== undefined) {
        onBug?.(error, errorId);
      }
    },
  };
}
