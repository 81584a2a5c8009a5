/**
 * One process that works on a device, seen from outside: it starts, answers orders, and ends once. A driver may take
 * its process down, or hang.
 */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Environment } from "./environment.ts";
import { DeviceError, type DeviceErrorCode } from "./errors.ts";
import type { Order, ProcessMessage } from "./orders.ts";

export interface DeviceChild<Ready, Request, Answer> {
  /** What the process said when it was. */
  readonly ready: Ready;
  /** Why it ended; undefined while it runs. */
  readonly ended: () => Error | undefined;
  /** Rejects when the process fails or takes too long; it has ended then, unless it refused this order alone. */
  ask(request: Request): Promise<Answer>;
  /** Ends it and waits until it is gone. */
  stop(): Promise<void>;
  readonly pid: number;
}

export interface DeviceChildOptions<Code> {
  /** What the process is called in errors. */
  readonly name: string;
  /** The module that runs. */
  readonly program: URL;
  /** The arguments of the program, as text. */
  readonly argv?: readonly string[];
  /** All the variables that the process gets. */
  readonly env: Environment;
  /** The longest time without any answer while one is due, in ms. */
  readonly timeoutMs: number;
  /** What the process ends or refuses with: classes do not cross processes. */
  toError(code: Code | DeviceErrorCode, message: string): Error;
}

/** What is kept of the process's stderr: a reason and the stack trace after it. */
const maxStderrChars = 8_000;
/** What of it an error says. */
const maxReasonChars = 500;
/** Node writes it, and then the trace, when a driver aborts the process. */
const stackTraceMark = "----- Native stack trace";

interface Waiting<Answer> {
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

/** Rejects with what the program's start ended with. */
export async function startDeviceChild<Ready, Request, Answer, Code>(
  options: DeviceChildOptions<Code>,
): Promise<DeviceChild<Ready, Request, Answer>> {
  const { name, timeoutMs, toError } = options;
  const child: ChildProcess = fork(fileURLToPath(options.program), [...(options.argv ?? [])], {
    execArgv: [],
    serialization: "advanced",
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    env: options.env,
  });
  const gone = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const starting = Promise.withResolvers<Ready>();
  const waiting = new Map<number, Waiting<Answer>>();
  let isReady = false;
  let nextId = 0;
  let end: Error | undefined;
  let lastWords = "";
  let timer: NodeJS.Timeout | undefined;

  const watch = (): void => {
    clearTimeout(timer);
    if (isReady && waiting.size === 0) {
      return;
    }
    timer = setTimeout(
      () =>
        fail(new DeviceError("timeout", `no answer from the ${name} process in ${timeoutMs} ms`)),
      timeoutMs,
    );
  };
  const fail = (error: Error): void => {
    end ??= error;
    child.kill("SIGKILL");
    isReady = true;
    starting.reject(end);
    for (const { reject } of waiting.values()) {
      reject(end);
    }
    waiting.clear();
    watch();
  };
  const expect = (id: number): Promise<Answer> =>
    new Promise((resolve, reject) => {
      if (end !== undefined) {
        return reject(end);
      }
      waiting.set(id, { resolve, reject });
      watch();
    });

  child.stderr?.on("data", (chunk: Buffer) => {
    lastWords = `${lastWords}${chunk}`.slice(-maxStderrChars);
  });
  child.on("message", (message: ProcessMessage<Ready, Answer, Code | DeviceErrorCode>) => {
    if (message.kind === "failed") {
      return fail(toError(message.code, message.message));
    }
    if (message.kind === "ready") {
      isReady = true;
      starting.resolve(message.ready);
      return watch();
    }
    const asker = waiting.get(message.id);
    waiting.delete(message.id);
    watch();
    if (message.kind === "answer") {
      asker?.resolve(message.answer);
    } else {
      asker?.reject(toError(message.code, message.message));
    }
  });
  child.on("error", (cause) =>
    fail(new DeviceError("crashed", `the ${name} process failed: ${cause.message}`, { cause })),
  );
  child.on("close", (status, signal) => {
    const how = `the ${name} process ended with ${signal ?? status}`;
    const [said = ""] = lastWords.split(stackTraceMark);
    const why = said.trim().slice(-maxReasonChars);
    fail(new DeviceError("crashed", why === "" ? how : `${how}: ${why}`));
  });

  watch();
  const ready = await starting.promise;
  return {
    ready,
    pid: child.pid ?? 0,
    ended: () => end,
    ask(request) {
      const id = nextId++;
      const answered = expect(id);
      const order: Order<Request> = { id, request };
      // A pipe that broke is told by `close`.
      if (end === undefined) {
        child.send(order, () => undefined);
      }
      return answered;
    },
    async stop() {
      fail(new DeviceError("crashed", `the ${name} process was told to stop`));
      await gone;
    },
  };
}
