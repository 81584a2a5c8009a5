/**
 * A node's JSON-RPC over a LocalChain: real metadata, real SCALE bytes, signed extrinsics that are decoded and checked.
 * Reads give the newest state whatever block they ask for; blocks, their extrinsics and events are kept for a while.
 */
import { once } from "node:events";
import { WebSocketServer } from "ws";
import type { SignedCall } from "./extrinsic.ts";
import { createNode, type Fault, type NodeOptions } from "./node.ts";
import { answerRequest, type Connection, createMethods } from "./rpc.ts";

export interface LocalNodeOptions extends NodeOptions {
  /** 127.0.0.1 by default. */
  readonly host?: string;
  /** A free one by default. */
  readonly port?: number;
}

export interface LocalNode extends AsyncDisposable {
  readonly url: string;
  failNext(fault: Fault): void;
  /** Every client loses its connection; the server stays. */
  cut(): void;
  /** A runtime upgrade: other metadata and version, told to subscribers with the next block. */
  upgrade(specVersion: number, metadata: NonNullable<LocalNodeOptions["metadata"]>): void;
  /** Extrinsics that are in blocks, in order. */
  readonly included: readonly SignedCall[];
  /** Methods that were called, with how often. */
  readonly methods: ReadonlyMap<string, number>;
  setLastDrandRound(round: bigint): void;
}

export async function startLocalNode(options: LocalNodeOptions): Promise<LocalNode> {
  const node = createNode(options);
  const methods = createMethods(node);
  const connections = new Set<Connection>();
  const methodsSeen = new Map<string, number>();
  node.onBlock((block) => {
    for (const { subscriptions } of connections) {
      for (const told of subscriptions.values()) {
        told(block);
      }
    }
  });
  const { host = "127.0.0.1" } = options;
  const server = new WebSocketServer({ host, port: options.port ?? 0 });
  await once(server, "listening");
  server.on("connection", (socket) => {
    const connection: Connection = {
      subscriptions: new Map(),
      knowsApis: false,
      notify: (method, subscription, result) =>
        socket.send(JSON.stringify({ jsonrpc: "2.0", method, params: { subscription, result } })),
      terminate: () => socket.terminate(),
    };
    connections.add(connection);
    const count = (name: string): void => {
      methodsSeen.set(name, (methodsSeen.get(name) ?? 0) + 1);
    };
    socket.on("message", (message) =>
      socket.send(answerRequest(methods, String(message), connection, count)),
    );
    socket.on("close", () => connections.delete(connection));
    socket.on("error", () => undefined);
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const cut = (): void => {
    for (const { terminate } of connections) {
      terminate();
    }
  };
  return {
    url: `ws://${host}:${port}`,
    included: node.included,
    methods: methodsSeen,
    failNext: node.failNext,
    cut,
    upgrade: node.upgrade,
    setLastDrandRound: node.setLastDrandRound,
    async [Symbol.asyncDispose]() {
      node[Symbol.dispose]();
      cut();
      server.close();
      await once(server, "close");
    },
  };
}
