/**
 * What a Service is to a pair of coordinators: one address, behind which whoever is ready answers. Connections to one
 * that is no longer ready are cut.
 */
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

export interface SwitchTarget {
  /** `host:port` of its probes. */
  readonly http: string;
  /** The port that the switch stands for, by its name. */
  readonly ports: Readonly<Record<string, number>>;
}

export interface Switch extends AsyncDisposable {
  /** Of each name. */
  readonly ports: Readonly<Record<string, number>>;
  /** Replaces the targets. */
  set(targets: readonly SwitchTarget[]): void;
}

const lookEveryMs = 100;
/** A probe without an answer for so long has failed. */
const probeTimeoutMs = 1_000;

/** @param names one port for each */
export async function startSwitch(names: readonly string[]): Promise<Switch> {
  await using stack = new AsyncDisposableStack();
  const open = new Map<Socket, SwitchTarget>();
  let targets: readonly SwitchTarget[] = [];
  let ready: SwitchTarget | undefined;
  const ports: Record<string, number> = {};
  for (const name of names) {
    const server = createServer((socket) => {
      const target = ready;
      const port = target?.ports[name];
      socket.on("error", () => undefined);
      if (target === undefined || port === undefined) {
        socket.destroy();
        return;
      }
      const other = connect(port, "127.0.0.1");
      open.set(socket, target);
      other.on("error", () => socket.destroy());
      socket.on("close", () => {
        open.delete(socket);
        other.destroy();
      });
      other.on("close", () => socket.destroy());
      socket.pipe(other).pipe(socket);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    stack.defer(() => void server.close());
    const address = server.address();
    ports[name] = typeof address === "object" && address !== null ? address.port : 0;
  }
  const isReady = async ({ http }: SwitchTarget): Promise<boolean> => {
    const signal = AbortSignal.timeout(probeTimeoutMs);
    const answer = await fetch(`http://${http}/readyz`, { signal }).catch(() => undefined);
    await answer?.arrayBuffer().catch(() => undefined);
    return answer?.status === 200;
  };
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  const look = async (): Promise<void> => {
    const found = await Promise.all(targets.map(isReady));
    ready = targets.find((_, index) => found[index]);
    for (const [socket, target] of open) {
      if (target !== ready) {
        socket.destroy();
      }
    }
    if (!isStopped) {
      timer = setTimeout(() => void look(), lookEveryMs);
    }
  };
  void look();
  stack.defer(() => {
    isStopped = true;
    clearTimeout(timer);
    for (const socket of open.keys()) {
      socket.destroy();
    }
  });
  const running = stack.move();
  return {
    ports,
    set(next) {
      targets = next;
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
