/** HTTP by hand: the exact bytes of a request on a socket, and the answer with its headers as they were written. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

export interface RawAnswer {
  readonly status: number;
  /** In order and case as sent. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/** A connection that sends requests one after another. */
export interface RawConnection extends AsyncDisposable {
  send(head: string, body: Buffer | string): Promise<RawAnswer>;
  readonly socket: Socket;
}

/** @param from address of loopback that it comes from */
export async function openRaw(port: number, from = "127.0.0.1"): Promise<RawConnection> {
  const socket = connect({ port, host: "127.0.0.1", localAddress: from });
  await once(socket, "connect");
  socket.on("error", () => undefined);
  return {
    socket,
    async send(head, body) {
      const answer = readAnswer(socket);
      socket.write(Buffer.concat([Buffer.from(head, "latin1"), Buffer.from(body)]));
      return answer;
    },
    async [Symbol.asyncDispose]() {
      socket.destroy();
    },
  };
}

export async function sendRaw(
  port: number,
  head: string,
  body: Buffer | string,
  from?: string,
): Promise<RawAnswer> {
  await using connection = await openRaw(port, from);
  return await connection.send(head, body);
}

export function header(answer: RawAnswer, name: string): string | undefined {
  return answer.headers.find(([key]) => key === name)?.[1];
}

/** Reads one answer with a content-length. */
export function readAnswer(socket: Socket): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    const stop = (): void => {
      socket.off("data", onData).off("close", onClose);
    };
    const onClose = (): void => {
      stop();
      reject(new Error(`the connection was closed after ${JSON.stringify(received.toString())}`));
    };
    const onData = (chunk: Buffer): void => {
      received = Buffer.concat([received, chunk]);
      const end = received.indexOf("\r\n\r\n");
      if (end === -1) {
        return;
      }
      const [statusLine = "", ...lines] = received
        .subarray(0, end)
        .toString("latin1")
        .split("\r\n");
      const headers = lines.map((line): [string, string] => {
        const colon = line.indexOf(": ");
        return [line.slice(0, colon), line.slice(colon + 2)];
      });
      const length = Number(headers.find(([name]) => /^content-length$/i.test(name))?.[1] ?? 0);
      if (received.length < end + 4 + length) {
        return;
      }
      stop();
      const body = received.subarray(end + 4, end + 4 + length).toString("utf8");
      resolve({ status: Number(statusLine.split(" ")[1]), headers, body });
    };
    socket.on("data", onData).on("close", onClose);
  });
}
