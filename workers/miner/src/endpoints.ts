/**
 * The generation endpoints: who of them takes the next task.
 *
 * E1 The fastest healthy one with a place goes first; one whose speed is unknown goes before those, so that it gets known.
 * E2 One that fails rests, longer from time to time, and at least twice as long as the failure took: one that hangs would
 *    hold up a task for most of the time otherwise. Its next try is a single one.
 * E3 Tasks in hand get a place before new ones are asked for.
 * E4 A day's budget counts every try of the last 24 hours, also those before a restart.
 */
import type { Meter } from "@opentelemetry/api";
import { inSpan, type Logger } from "@turntable/process";
import { type Generation, requestGeneration } from "./generation.ts";
import type { GenerationRecords } from "./store/index.ts";
import { createBell, type Timing } from "./timing.ts";

export interface EndpointOptions {
  /** Its root, or the whole path. */
  readonly url: string;
  /** Generations at one time; 1 when absent. */
  readonly concurrency?: number;
  /** For one generation; as long as the task's time allows when absent. */
  readonly timeoutMs?: number | undefined;
  /** Tries within 24 hours; any number when absent. */
  readonly perDay?: number | undefined;
}

/** What `parseEndpoint` reads, for people. */
export const endpointForm = "URL[;concurrency=N][;timeout-ms=N][;per-day=N]";

/** undefined when the text has another form. */
export function parseEndpoint(text: string): EndpointOptions | undefined {
  const [url = "", ...settings] = text.split(";");
  const values = new Map<string, number>();
  for (const setting of settings) {
    const [, name = "", value = ""] =
      /^(concurrency|timeout-ms|per-day)=([1-9]\d{0,8})$/.exec(setting) ?? [];
    if (name === "" || values.has(name)) {
      return undefined;
    }
    values.set(name, Number(value));
  }
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) {
    return undefined;
  }
  return {
    url,
    concurrency: values.get("concurrency") ?? 1,
    timeoutMs: values.get("timeout-ms"),
    perDay: values.get("per-day"),
  };
}

/** A place at an endpoint, from when it is taken until it is disposed. */
export interface Place extends Disposable {
  readonly url: string;
  /** What a generation takes there, as far as is known. */
  readonly typicalMs: number | undefined;
  /**
   * Generates, and judges the endpoint by the outcome: what `check` throws is its failure.
   * @throws the signal's reason
   */
  generate(order: GenerationOrder): Promise<Generation & { readonly ms: number }>;
}

export interface GenerationOrder {
  readonly prompt: string;
  readonly seed: number;
  /** At most; the endpoint's own limit may be shorter. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Throws for bytes that are no asset. */
  readonly check: (bytes: Buffer) => Promise<void>;
}

export interface Endpoints {
  /**
   * Waits for a place.
   * @param purpose `task` for one in hand (E3)
   * @throws the signal's reason
   */
  place(purpose: "task" | "new", signal: AbortSignal): Promise<Place>;
  /** How many are healthy, whether they have a place or not. */
  healthy(): number;
  /** Why nothing can be generated; undefined while one of them is healthy. */
  trouble(): string | undefined;
}

interface Endpoint extends EndpointOptions {
  busy: number;
  /** In a row. */
  failures: number;
  failure: string;
  /** It is not asked before; ms since 1970. */
  restsUntil: number;
  /** Of the latest successes, newest first, ms. */
  latestMs: readonly number[];
}

/** After a failure; doubles from one to the next, in ms. */
const firstRestMs = 5_000;
const longestRestMs = 60_000;
/** After one that took long, at most, in ms. */
const longestHangRestMs = 600_000;
/** The speed is that of so many of the latest generations. */
const speedOver = 20;
const dayMs = 86_400_000;
/** Between two looks at a budget that is used up, in ms. */
const budgetLookMs = 60_000;

export function createEndpoints(
  options: readonly EndpointOptions[],
  {
    records,
    timing,
    logger,
    meter,
  }: {
    readonly records: GenerationRecords;
    readonly timing: Timing;
    readonly logger: Logger;
    readonly meter: Meter | undefined;
  },
): Endpoints {
  const endpoints: readonly Endpoint[] = options.map((endpoint) => ({
    ...endpoint,
    ...{ busy: 0, failures: 0, failure: "", restsUntil: 0 },
    latestMs: records.latestMs(endpoint.url, speedOver),
  }));
  const bell = createBell(timing);
  const metrics = createEndpointMetrics(endpoints, timing, meter);
  let tasksWaiting = 0;

  const isSpent = ({ url, perDay }: Endpoint): boolean =>
    perDay !== undefined && records.countSince(url, timing.now() - dayMs) >= perDay;

  const hasPlace = (endpoint: Endpoint): boolean =>
    endpoint.busy < (endpoint.failures > 0 ? 1 : (endpoint.concurrency ?? 1)) &&
    timing.now() >= endpoint.restsUntil &&
    !isSpent(endpoint);

  const fastest = (): Endpoint | undefined =>
    endpoints.filter(hasPlace).toSorted((a, b) => (typicalMs(a) ?? 0) - (typicalMs(b) ?? 0))[0];

  const nextLookMs = (): number | undefined => {
    const now = timing.now();
    const waits = endpoints.flatMap((endpoint) => {
      if (endpoint.restsUntil > now) {
        return [endpoint.restsUntil - now];
      }
      return isSpent(endpoint) ? [budgetLookMs] : [];
    });
    return waits.length === 0 ? undefined : Math.min(...waits);
  };

  const succeeded = (endpoint: Endpoint, ms: number): void => {
    if (endpoint.failures > 0) {
      logger.info({ url: endpoint.url, failures: endpoint.failures }, "the endpoint works again");
    }
    endpoint.failures = 0;
    endpoint.failure = "";
    endpoint.latestMs = [ms, ...endpoint.latestMs].slice(0, speedOver);
  };

  const failed = (endpoint: Endpoint, ms: number, reason: string): void => {
    endpoint.failures++;
    endpoint.failure = reason;
    const doubledMs = Math.min(longestRestMs, firstRestMs * 2 ** (endpoint.failures - 1));
    const restMs = Math.max(doubledMs, Math.min(longestHangRestMs, 2 * ms)); // E2
    endpoint.restsUntil = timing.now() + restMs;
    logger.warn({ url: endpoint.url, reason, rest_ms: restMs }, "the endpoint failed and rests");
  };

  const occupy = (endpoint: Endpoint): Place => {
    endpoint.busy++;
    let isTaken = true;
    return {
      url: endpoint.url,
      typicalMs: typicalMs(endpoint),
      async generate({ prompt, seed, timeoutMs, signal, check }) {
        const limitMs = Math.min(timeoutMs, endpoint.timeoutMs ?? timeoutMs);
        const startedAt = timing.now();
        const generation = await inSpan("generate", { kind: "client" }, async () => {
          const made = await requestGeneration(endpoint.url, prompt, {
            ...{ timeoutMs: limitMs, signal, seed },
          });
          return made.kind === "made" ? checked(made, check) : made;
        });
        const ms = timing.now() - startedAt;
        const failure = generation.kind === "failed" ? generation.reason : "";
        records.add(endpoint.url, startedAt, ms, failure);
        metrics.generated(endpoint.url, ms, failure);
        if (generation.kind === "failed") {
          failed(endpoint, ms, failure);
        } else {
          succeeded(endpoint, ms);
        }
        return { ...generation, ms };
      },
      [Symbol.dispose]() {
        if (isTaken) {
          isTaken = false;
          endpoint.busy--;
          bell.ring();
        }
      },
    };
  };

  return {
    async place(purpose, signal) {
      tasksWaiting += purpose === "task" ? 1 : 0;
      try {
        for (;;) {
          signal.throwIfAborted();
          const chosen = purpose === "new" && tasksWaiting > 0 ? undefined : fastest(); // E3
          if (chosen !== undefined) {
            return occupy(chosen);
          }
          await bell.wait(nextLookMs(), signal);
        }
      } finally {
        if (purpose === "task") {
          tasksWaiting--;
          bell.ring();
        }
      }
    },
    healthy: () => endpoints.filter(({ failures }) => failures === 0).length,
    trouble() {
      const [first] = endpoints;
      const isAnyHealthy = endpoints.some(({ failures }) => failures === 0);
      if (first === undefined || !isAnyHealthy) {
        return endpoints.map(({ failure }) => failure).join("; ");
      }
      return endpoints.every(isSpent)
        ? "the endpoints' budgets for the day are used up"
        : undefined;
    },
  };
}

async function checked(
  made: Extract<Generation, { kind: "made" }>,
  check: GenerationOrder["check"],
): Promise<Generation> {
  try {
    await check(made.bytes);
    return made;
  } catch (error) {
    return { kind: "failed", reason: error instanceof Error ? error.message : String(error) };
  }
}

function typicalMs({ latestMs }: Endpoint): number | undefined {
  return latestMs.toSorted((a, b) => a - b)[Math.floor(latestMs.length / 2)];
}

/** Endpoints are few and named by the operator, so that their URLs may be labels. */
function createEndpointMetrics(
  endpoints: readonly Endpoint[],
  timing: Timing,
  meter: Meter | undefined,
) {
  const seconds = meter?.createHistogram("turntable_miner_generate_seconds", {
    description: "duration of a try to generate",
  });
  const tries = meter?.createCounter("turntable_miner_generations", {
    description: "tries to generate, by endpoint and whether something was made",
  });
  const label = (url: string): string => new URL(url).host;
  meter
    ?.createObservableGauge("turntable_miner_endpoint_busy", {
      description: "places of an endpoint that are taken",
    })
    .addCallback((result) => {
      for (const { url, busy } of endpoints) {
        result.observe(busy, { endpoint: label(url) });
      }
    });
  meter
    ?.createObservableGauge("turntable_miner_endpoint_healthy", {
      description: "1 while an endpoint is asked, 0 while it rests after a failure",
    })
    .addCallback((result) => {
      for (const { url, restsUntil } of endpoints) {
        result.observe(restsUntil > timing.now() ? 0 : 1, { endpoint: label(url) });
      }
    });
  return {
    generated(url: string, ms: number, failure: string) {
      tries?.add(1, { endpoint: label(url), outcome: failure === "" ? "made" : "failed" });
      seconds?.record(ms / 1000, { endpoint: label(url) });
    },
  };
}
