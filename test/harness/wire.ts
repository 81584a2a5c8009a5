/** A wire to a server on this machine that can be cut: nothing comes through then, and neither side is told. */
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

export interface Wire extends AsyncDisposable {
  /** The port that leads to the server. */
  readonly port: number;
  cut(): void;
  /** What was on its way arrives late. */
  heal(): void;
}

export async function startWire(serverPort: number): Promise<Wire> {
  const open = new Set<Socket>();
  let isCut = false;
  const join = (from: Socket, to: Socket): void => {
    open.add(from);
    from.on("data", (chunk) => void to.write(chunk));
    from.on("error", () => undefined);
    from.on("close", () => {
      open.delete(from);
      to.destroy();
    });
    if (isCut) {
      from.pause();
    }
  };
  const server = createServer((socket) => {
    const other = connect(serverPort, "127.0.0.1");
    join(socket, other);
    join(other, socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    cut() {
      isCut = true;
      for (const socket of open) {
        socket.pause();
      }
    },
    heal() {
      isCut = false;
      for (const socket of open) {
        socket.resume();
      }
    },
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of open) {
        socket.destroy();
      }
    },
  };
}
