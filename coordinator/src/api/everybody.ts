/** Methods that anybody may call, without a key: all callers together so many times a minute. */
import type { AccessInterceptor } from "./access.ts";
import { createCallCounts } from "./call-counts.ts";

/** As whom callers appear in logs, and what their downloads are counted by. */
export const everybody = "everybody";

/**
 * Admits every call within the limit, whatever key it brings.
 * @param now ms since some fixed time
 */
export function admitEverybody(callsPerMinute: number, now: () => number): AccessInterceptor {
  const counts = createCallCounts();
  const caller = { id: everybody, limits: { callsPerMinute, concurrentCalls: 0 } };
  return (next) => async (context) => {
    context.note({ client: everybody });
    using _counted = counts.begin(caller, now());
    return await next(Object.assign(context, { client: everybody, readsAll: false }));
  };
}
