/**
 * The side of a process that works on a device. Programs import this and ./errors.ts directly: the folder's index
 * brings what only their parents need, and each start would wait for it.
 */
import { DeviceError, type DeviceErrorCode } from "./errors.ts";
import type { Order, ProcessMessage } from "./orders.ts";

export interface Served<Ready, Request, Answer> {
  /** Told to the parent when the process is ready. */
  readonly ready: Ready;
  /** Called for each order as it comes, also while others are being carried out. */
  carryOut(request: Request): Promise<Answer>;
}

export interface ServeOptions<Ready, Request, Answer, Code> {
  /** @param onFailure to be called when the device fails between orders */
  open(onFailure: (error: DeviceError) => void): Promise<Served<Ready, Request, Answer>>;
  /** The code of an error after which the process stays in use, or that its start ends with. */
  codeOf(error: unknown): Code | undefined;
}

/** Answers the orders of the process that forked this one. */
export async function serveOrders<Ready, Request, Answer, Code>({
  open,
  codeOf,
}: ServeOptions<Ready, Request, Answer, Code>): Promise<void> {
  const send = (message: ProcessMessage<Ready, Answer, Code | DeviceErrorCode>): void => {
    process.send?.(message);
  };
  const fail = (error: unknown): void => {
    const code = error instanceof DeviceError ? error.code : "lost";
    send({ kind: "failed", code: codeOf(error) ?? code, message: messageOf(error) });
  };
  const carryOut = async (
    { id, request }: Order<Request>,
    served: Served<Ready, Request, Answer>,
  ): Promise<void> => {
    try {
      send({ kind: "answer", id, answer: await served.carryOut(request) });
    } catch (error) {
      const code = codeOf(error);
      if (code === undefined) {
        fail(error);
      } else {
        send({ kind: "refused", id, code, message: messageOf(error) });
      }
    }
  };
  try {
    const served = await open(fail);
    process.on("message", (order: Order<Request>) => carryOut(order, served));
    send({ kind: "ready", ready: served.ready });
  } catch (error) {
    fail(error);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
