/**
 * Counts and durations of what happens thousands of times a second. An OpenTelemetry instrument sorts and prints the
 * labels of every measurement to find its series, which costs about as much as the call's log line; here a series
 * is found once, and keeps its own sums until somebody reads them.
 */
import { type Attributes, type HrTime, ValueType } from "@opentelemetry/api";
import { millisToHrTime } from "@opentelemetry/core";
import { type Resource, resourceFromAttributes } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  DataPointType,
  type MetricData,
  type MetricProducer,
} from "@opentelemetry/sdk-metrics";

/** What is measured: how many calls, and how long they took. */
export interface CallMetricNames {
  /** Of the counter; Prometheus appends `_total`. */
  readonly count: { readonly name: string; readonly description: string };
  /** Of the histogram, in seconds. */
  readonly seconds: { readonly name: string; readonly description: string };
}

/** The calls with the same labels. */
export interface CallSeries {
  /** Counts one call. */
  record(seconds: number): void;
}

export interface CallMetrics {
  /** A series of its own with each asking: whoever asks keeps it, and asks once for the same labels. */
  series(labels: Readonly<Record<string, string>>): CallSeries;
}

/** Call metrics, and what hands them to a reader. */
export interface CallMeter {
  create(names: CallMetricNames): CallMetrics;
  readonly producer: MetricProducer;
}

interface Sums {
  readonly attributes: Attributes;
  readonly startTime: HrTime;
  /** Calls by the first bound that is not below them; the last ones are above all bounds. */
  readonly counts: number[];
  count: number;
  sum: number;
}

/**
 * @param scope name of the meter whose metrics these are
 * @param bounds of the buckets, in seconds, ascending
 */
export function createCallMeter(scope: string, bounds: readonly number[]): CallMeter {
  const all: { readonly names: CallMetricNames; readonly sums: readonly Sums[] }[] = [];
  const boundaries = [...bounds];
  return {
    create(names) {
      const sums: Sums[] = [];
      all.push({ names, sums });
      return {
        series(labels) {
          const own: Sums = {
            attributes: labels,
            startTime: millisToHrTime(Date.now()),
            counts: new Array(boundaries.length + 1).fill(0),
            count: 0,
            sum: 0,
          };
          sums.push(own);
          return {
            record(seconds) {
              own.count += 1;
              own.sum += seconds;
              // Most calls are in the first buckets.
              let bucket = 0;
              while (bucket < boundaries.length && seconds > (boundaries[bucket] ?? 0)) {
                bucket += 1;
              }
              own.counts[bucket] = (own.counts[bucket] ?? 0) + 1;
            },
          };
        },
      };
    },
    producer: {
      collect: async () => ({
        resourceMetrics: {
          resource: noResource,
          scopeMetrics: [
            {
              scope: { name: scope },
              metrics: all.flatMap(({ names, sums }) => metricsOf(names, sums, boundaries)),
            },
          ],
        },
        errors: [],
      }),
    },
  };
}

/** A reader takes the resource of its own provider. */
const noResource: Resource = resourceFromAttributes({});

function metricsOf(
  { count, seconds }: CallMetricNames,
  sums: readonly Sums[],
  boundaries: number[],
): MetricData[] {
  if (sums.length === 0) {
    return [];
  }
  const endTime = millisToHrTime(Date.now());
  const aggregationTemporality = AggregationTemporality.CUMULATIVE;
  return [
    {
      descriptor: { ...count, unit: "", valueType: ValueType.INT },
      ...{ aggregationTemporality, dataPointType: DataPointType.SUM, isMonotonic: true },
      dataPoints: sums.map((own) => ({
        ...{ attributes: own.attributes, startTime: own.startTime, endTime },
        value: own.count,
      })),
    },
    {
      descriptor: { ...seconds, unit: "", valueType: ValueType.DOUBLE },
      ...{ aggregationTemporality, dataPointType: DataPointType.HISTOGRAM },
      dataPoints: sums.map((own) => ({
        ...{ attributes: own.attributes, startTime: own.startTime, endTime },
        value: {
          buckets: { boundaries, counts: [...own.counts] },
          ...{ count: own.count, sum: own.sum },
        },
      })),
    },
  ];
}
