/** Both sides of the queue over a server of their own, and what tests need to look behind them. */
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { connect, errors, type NatsConnection } from "@nats-io/transport-node";
import { type JobQueue, type JobSource, QueueUnavailableError } from "@turntable/bus";
import {
  connectJobQueue,
  connectJobSource,
  type JobSourceOptions,
  type NatsEvent,
  type NatsQueueOptions,
} from "@turntable/bus/nats";
import { releasing } from "../contract/job-queue-tools.ts";
import {
  type NatsServer,
  type NatsServerOptions,
  startNatsServer,
} from "../harness/nats-server.ts";

export interface Sides extends AsyncDisposable {
  readonly server: NatsServer;
  readonly queue: JobQueue;
  readonly source: JobSource;
  readonly queueEvents: Events;
  readonly sourceEvents: Events;
}

export async function openSides(
  options: Partial<JobSourceOptions & NatsQueueOptions> = {},
  serverOptions: NatsServerOptions = {},
): Promise<Sides> {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startNatsServer(serverOptions));
  const queueEvents = recordEvents();
  const sourceEvents = recordEvents();
  const common = { workerId: "w1", ...options, servers: server.url };
  const queue = stack.use(await connectJobQueue({ ...common, onEvent: queueEvents.onEvent }));
  const source = stack.use(await connectJobSource({ ...common, onEvent: sourceEvents.onEvent }));
  const opened = stack.move();
  return {
    server,
    queue,
    source: releasing(source, opened),
    queueEvents,
    sourceEvents,
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

export interface Events {
  readonly onEvent: (event: NatsEvent) => void;
  /** Waits for the next event of a kind, past those waited for before. */
  until(kind: NatsEvent["kind"]): Promise<void>;
}

export function recordEvents(): Events {
  const events: NatsEvent[] = [];
  let changed = Promise.withResolvers<void>();
  return {
    onEvent(event) {
      events.push(event);
      changed.resolve();
      changed = Promise.withResolvers();
    },
    async until(kind) {
      for (;;) {
        const event = events.shift();
        if (event?.kind === kind) {
          return;
        }
        if (event === undefined) {
          await changed.promise;
        }
      }
    },
  };
}

/** Tries until the queue, or the server itself, answers, as the coordinator's dispatch does; it ends with the test. */
export async function untilUp<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof QueueUnavailableError || error instanceof errors.TimeoutError)) {
        throw error;
      }
      await new Promise(setImmediate);
    }
  }
}

export interface Admin extends AsyncDisposable {
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
}

export async function openAdmin(server: NatsServer): Promise<Admin> {
  const connection = await connect({ servers: server.url });
  const manager = await jetstreamManager(connection);
  return { connection, manager, [Symbol.asyncDispose]: () => connection.close() };
}
