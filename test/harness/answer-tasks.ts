/** A miner and a worker in one: whatever is asked for is answered, and scores well. */
import { create } from "@bufbuild/protobuf";
import { pullTask, submitResults } from "@turntable/bittensor/synapse";
import { RenderScoreResultSchema, ScoreReportSchema } from "@turntable/proto";
import { signedResults, type TestSubnet } from "./coordinator.ts";

/**
 * Runs until it is disposed. The rules let the miner answer once and then wait, unless they are changed.
 * @param answer gives other bytes for each task: the same ones again are a duplicate
 * @param judged told when there is a verdict
 */
export function answerTasks(
  subnet: TestSubnet,
  answer: () => Uint8Array,
  judged: () => void = () => undefined,
): AsyncDisposable {
  const { miner, target, source } = subnet;
  const controller = new AbortController();
  const { signal } = controller;
  const mine = async (): Promise<void> => {
    while (!signal.aborted) {
      const pulled = await miner.call(pullTask, { target, body: {}, signal });
      const task = pulled.kind === "ok" ? pulled.fields.task : null;
      if (task !== null) {
        const body = signedResults(subnet, task, answer());
        await miner.call(submitResults, { target, body, signal });
        judged();
      } else {
        await new Promise((resolve) => setTimeout(resolve, pullEveryMs));
      }
    }
  };
  const work = async (): Promise<void> => {
    for (;;) {
      const taken = await source.take(signal);
      if (taken === undefined) {
        return;
      }
      const { jobId, submissionId, prompt } = taken.job;
      const report = create(ScoreReportSchema, {
        ...{ jobId, submissionId, prompt, score: 0.9, model: { name: "a-model" } },
        views: [
          { azimuthDeg: 0, elevationDeg: -20, probability: 1 },
          { azimuthDeg: 10, elevationDeg: -20, probability: 0.8 },
        ],
      });
      await taken.complete(
        create(RenderScoreResultSchema, {
          jobId,
          submissionId,
          outcome: { case: "scored", value: report },
        }),
      );
    }
  };
  const running = [mine(), work()].map((part) =>
    part.catch((error: unknown) => {
      if (!signal.aborted) {
        throw error;
      }
    }),
  );
  return {
    async [Symbol.asyncDispose]() {
      controller.abort();
      await Promise.all(running);
    },
  };
}

const pullEveryMs = 50;
