/**
 * How many workers the ScaledObject of components/keda asks for, computed as KEDA 2.21 and the HorizontalPodAutoscaler of
 * Kubernetes 1.36 do: the scaler's lag is what waits in a consumer and what is in work
 * (`pkg/scalers/nats_jetstream_scaler.go`), each trigger's share of it is a proposal of which the largest counts
 * (`GetExternalPerPodMetricReplicas`), and the behaviour holds that back (`stabilizeRecommendationWithBehaviors`,
 * `convertDesiredReplicasWithBehaviorRate`). Only for a pool of at least one worker: the first and the last are KEDA's own.
 */
import { parse } from "yaml";
import { z } from "zod";

/** Between two looks of the HorizontalPodAutoscaler, in s; its controller's default. */
export const syncPeriodS = 15;
/** A proposal this near to what there is changes nothing; its controller's default. */
const tolerance = 0.1;

const rulesSchema = z.object({
  stabilizationWindowSeconds: z.number(),
  policies: z.array(
    z.object({ type: z.enum(["Percent", "Pods"]), value: z.number(), periodSeconds: z.number() }),
  ),
});

const scaledObjectSchema = z.object({
  spec: z.object({
    minReplicaCount: z.number().min(1),
    maxReplicaCount: z.number(),
    advanced: z.object({
      horizontalPodAutoscalerConfig: z.object({
        behavior: z.object({ scaleUp: rulesSchema, scaleDown: rulesSchema }),
      }),
    }),
    triggers: z.array(
      z.object({
        metadata: z.object({ consumer: z.string(), lagThreshold: z.coerce.number() }),
      }),
    ),
  }),
});

/** What of a ScaledObject decides how many workers there are. */
export interface Scaling {
  readonly min: number;
  readonly max: number;
  readonly up: z.infer<typeof rulesSchema>;
  readonly down: z.infer<typeof rulesSchema>;
  readonly triggers: readonly { readonly consumer: string; readonly lagThreshold: number }[];
}

/** @throws ZodError when the text is no ScaledObject with what is needed here */
export function readScaling(yaml: string): Scaling {
  const { spec } = scaledObjectSchema.parse(parse(yaml));
  const { scaleUp: up, scaleDown: down } = spec.advanced.horizontalPodAutoscalerConfig.behavior;
  return {
    ...{ min: spec.minReplicaCount, max: spec.maxReplicaCount, up, down },
    triggers: spec.triggers.map(({ metadata }) => metadata),
  };
}

export interface Autoscaler {
  /**
   * How many workers there are to be from now on. To be asked every `syncPeriodS`.
   * @param nowS any clock
   * @param lags of each consumer: what waits and what is in work
   * @param current how many there are to be until now
   */
  replicas(nowS: number, lags: ReadonlyMap<string, number>, current: number): number;
}

interface Noted {
  readonly atS: number;
  readonly count: number;
}

export function createAutoscaler({ min, max, up, down, triggers }: Scaling): Autoscaler {
  const proposals: Noted[] = [];
  /** Workers added, below 0 those taken away. */
  const changes: Noted[] = [];

  const changedWithin = (periodS: number, nowS: number): number =>
    changes.filter(({ atS }) => atS > nowS - periodS).reduce((sum, { count }) => sum + count, 0);
  const proposalsWithin = (periodS: number, nowS: number): readonly number[] =>
    proposals.filter(({ atS }) => atS > nowS - periodS).map(({ count }) => count);
  /** What the policies allow, each counted from how many there were when its period began. */
  const limits = ({ policies }: Scaling["up"], sign: 1 | -1, nowS: number, current: number) =>
    policies.map(({ type, value, periodSeconds }) => {
      const before = current - changedWithin(periodSeconds, nowS);
      const allowed = before + sign * (type === "Pods" ? value : (before * value) / 100);
      return sign === 1 ? Math.ceil(allowed) : Math.floor(allowed);
    });

  return {
    replicas(nowS, lags, current) {
      const proposal = Math.max(
        ...triggers.map(({ consumer, lagThreshold }) => {
          const lag = lags.get(consumer) ?? 0;
          const ratio = lag / (lagThreshold * current);
          const isNear = 1 - tolerance <= ratio && ratio <= 1 + tolerance;
          return isNear ? current : Math.ceil(lag / lagThreshold);
        }),
      );
      const upTo = Math.min(proposal, ...proposalsWithin(up.stabilizationWindowSeconds, nowS));
      const downTo = Math.max(proposal, ...proposalsWithin(down.stabilizationWindowSeconds, nowS));
      proposals.push({ atS: nowS, count: proposal });
      const wanted = Math.min(Math.max(current, upTo), downTo);
      const most = Math.min(max, Math.max(current, ...limits(up, 1, nowS, current)));
      const least = Math.max(min, Math.min(current, ...limits(down, -1, nowS, current)));
      const next = Math.min(Math.max(wanted, least), most);
      if (next !== current) {
        changes.push({ atS: nowS, count: next - current });
      }
      return next;
    },
  };
}
