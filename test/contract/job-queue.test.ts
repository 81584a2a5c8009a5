import { after } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { createInProcessQueue } from "@turntable/bus/in-process";
import { connectJobQueue, connectJobSource } from "@turntable/bus/nats";
import { registerTracing } from "@turntable/process";
import { startNatsServer } from "../harness/nats-server.ts";
import { describeJobQueue } from "./job-queue.ts";

const tracing = registerTracing();
after(() => tracing[Symbol.dispose]());

describeJobQueue("in process", async (options) => {
  const { queue, source } = createInProcessQueue(options);
  return {
    queue,
    source: async (workerId, jobClasses) => source(workerId, jobClasses),
    storedAssetMessages: async () => 0,
    [Symbol.asyncDispose]: () => queue[Symbol.asyncDispose](),
  };
});

describeJobQueue("over NATS", async (options) => {
  await using stack = new AsyncDisposableStack();
  const { url } = stack.use(await startNatsServer());
  const queue = stack.use(await connectJobQueue({ servers: url, ...options }));
  const opened = stack.move();
  return {
    queue,
    source: (workerId = "w1", jobClasses) =>
      connectJobSource({ servers: url, workerId, jobClasses }),
    async storedAssetMessages() {
      await using connection = await connect({ servers: url });
      const { streams } = await jetstreamManager(connection);
      return (await streams.info("OBJ_assets")).state.messages;
    },
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
});
