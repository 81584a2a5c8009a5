/**
 * Removes results that were acked, many at once.
 *
 * A work queue stream would remove each with its ack. With every write synced to disk, as it should be, that costs
 * another synced write for each result, and a file made and deleted whenever the stream runs empty, which it does all
 * the time: a fifth of the whole round trip.
 */
import { coordinatorDurable, resultsStream } from "../contract.ts";
import { purgeUpTo } from "./jetstream.ts";
import type { NatsLink } from "./link.ts";

export interface ResultTrimmer extends AsyncDisposable {
  /** To be called for each ack. */
  onAck(): void;
}

const acksBetweenTrims = 512;

export function createResultTrimmer(link: NatsLink): ResultTrimmer {
  let acks = 0;
  let trimming: Promise<void> | undefined;
  return {
    onAck() {
      acks += 1;
      if (acks >= acksBetweenTrims && trimming === undefined) {
        acks = 0;
        trimming = trim(link).finally(() => {
          trimming = undefined;
        });
      }
    },
    async [Symbol.asyncDispose]() {
      await trimming;
      if (acks > 0 && link.isUp()) {
        await trim(link);
      }
    },
  };
}

async function trim(link: NatsLink): Promise<void> {
  try {
    await link.run(async () => {
      // All below the floor were acked, whatever became of those above it.
      const { ack_floor: floor } = await link.manager.consumers.info(
        resultsStream,
        coordinatorDurable,
      );
      await purgeUpTo(link.manager, resultsStream, floor.stream_seq);
    });
  } catch (error) {
    link.report("results that were acked could not be removed yet", error);
  }
}
