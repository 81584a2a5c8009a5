/**
 * Connections, so that nobody can take all of them.
 *
 * C1. An address has a limit, and strangers together leave a share to addresses whose callers proved themselves lately.
 * C2. When strangers have all that they may, the one that has waited longest without a request makes place: whoever
 *     holds connections open for nothing holds up nobody.
 * C3. What is refused is destroyed within `lingerMs`, whether the other side closes or not.
 */
import type { Socket } from "node:net";
import { addressKey } from "./address.ts";
import type { AxonLimits, RefusalReason } from "./limits.ts";

export interface Connections {
  /** A new connection: counts it until it closes, or refuses it. @returns whether it may stay */
  admit(socket: Socket): boolean;
  /** A request begins on it. @returns the number of requests on it that have no answer yet, this one included */
  begin(socket: Socket): number;
  /** A request has its answer. */
  end(socket: Socket): void;
  /** Its caller has proved itself. */
  proved(socket: Socket): void;
  /** Those that are open. */
  readonly size: number;
}

export interface ConnectionsOptions {
  readonly limits: Pick<
    AxonLimits,
    | "connections"
    | "connectionsForKnown"
    | "connectionsOfAddress"
    | "connectionsOfKnown"
    | "lingerMs"
  >;
  /** Whether a caller from the address has proved itself lately. */
  readonly isKnown: (address: string) => boolean;
  /** Why strangers from the address must not make requests just now; undefined when they may. */
  readonly barred: (address: string) => RefusalReason | undefined;
  /** What a refused connection is sent: a whole HTTP answer. */
  readonly words: (reason: RefusalReason) => Uint8Array;
  readonly onRefused: (reason: RefusalReason, socket: Socket) => void;
}

interface Connection {
  readonly address: string;
  known: boolean;
  requests: number;
}

export function createConnections(options: ConnectionsOptions): Connections {
  const { limits, isKnown, onRefused } = options;
  const open = new Map<Socket, Connection>();
  const ofAddress = new Map<string, number>();
  let strangers = 0;
  // Strangers without a request, the one that waits longest first.
  const waiting = new Set<Socket>();

  const count = (address: string, change: number): void => {
    const now = (ofAddress.get(address) ?? 0) + change;
    if (now > 0) {
      ofAddress.set(address, now);
    } else {
      ofAddress.delete(address);
    }
  };
  const forget = (socket: Socket): void => {
    const connection = open.get(socket);
    if (connection === undefined) {
      return;
    }
    open.delete(socket);
    waiting.delete(socket);
    count(connection.address, -1);
    if (!connection.known) {
      strangers -= 1;
    }
  };
  /** Closes the stranger that has waited longest; false when none waits. */
  const makePlace = (): boolean => {
    const [longest] = waiting;
    if (longest === undefined) {
      return false;
    }
    onRefused("evicted", longest);
    forget(longest);
    longest.destroy();
    return true;
  };
  const refusalOf = (address: string, known: boolean): RefusalReason | undefined => {
    const barred = known ? undefined : options.barred(address);
    if (barred !== undefined) {
      return barred;
    }
    const most = known ? limits.connectionsOfKnown : limits.connectionsOfAddress;
    if ((ofAddress.get(address) ?? 0) >= most) {
      return "address-connections";
    }
    const full =
      open.size >= limits.connections ||
      (!known && strangers >= limits.connections - limits.connectionsForKnown);
    return full && !makePlace() ? "connections" : undefined;
  };

  return {
    admit(socket) {
      const address = addressKey(socket.remoteAddress ?? "");
      const known = isKnown(address);
      const reason = refusalOf(address, known);
      if (reason !== undefined) {
        onRefused(reason, socket);
        socket.end(options.words(reason));
        socket.destroySoon();
        return false;
      }
      open.set(socket, { address, known, requests: 0 });
      count(address, 1);
      if (!known) {
        strangers += 1;
        waiting.add(socket);
      }
      socket.once("close", () => forget(socket));
      return true;
    },
    begin(socket) {
      const connection = open.get(socket);
      if (connection === undefined) {
        return 1;
      }
      connection.requests += 1;
      waiting.delete(socket);
      return connection.requests;
    },
    end(socket) {
      const connection = open.get(socket);
      if (connection === undefined) {
        return;
      }
      connection.requests -= 1;
      if (connection.requests === 0 && !connection.known) {
        waiting.add(socket);
      }
    },
    proved(socket) {
      const connection = open.get(socket);
      if (connection === undefined || connection.known) {
        return;
      }
      connection.known = true;
      strangers -= 1;
    },
    get size() {
      return open.size;
    },
  };
}

/** Sends the last words and destroys the connection soon, also when the other side keeps its own end open (C3). */
export function endSoon(socket: Socket, words: Uint8Array, lingerMs: number): void {
  socket.end(words);
  // What still comes in is thrown away: closing with unread bytes would take the words back.
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  socket.once("close", () => clearTimeout(timer));
}
