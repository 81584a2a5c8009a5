/** One process that draws, seen from outside: it starts, answers orders, and ends once. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { environment } from "../../config.ts";
import { DeviceError } from "./errors.ts";
import type { DeviceAnswer, DeviceOrder, DeviceRequest } from "./messages.ts";

export interface DeviceChild {
  readonly device: string;
  /** Why it ended; undefined while it runs. */
  readonly ended: () => DeviceError | undefined;
  /** @throws DeviceError when the process fails or takes too long; it has ended then, unless it is `too-large`. */
  ask(order: DeviceRequest): Promise<DeviceAnswer>;
  /** Ends it and waits until it is gone. */
  stop(): Promise<void>;
  readonly pid: number;
}

export interface DeviceChildOptions {
  /** Named in errors. */
  readonly backend: string;
  /** The module that runs. */
  readonly program: URL;
  /** Of the program, as text. */
  readonly argv?: readonly string[];
  /** On top of this process' own. */
  readonly env?: Readonly<Record<string, string>>;
  /** The longest time without any answer while one is due, in ms. */
  readonly timeoutMs: number;
}

/** `ready` is awaited under this id; orders begin at 1. */
const readyId = 0;
/** What is kept of the process's stderr: a reason and the stack trace after it. */
const maxStderrChars = 8_000;
/** What of it an error says. */
const maxReasonChars = 500;
/** Node writes it, and then the trace, when a driver aborts the process. */
const stackTraceMark = "----- Native stack trace";

interface Waiting {
  resolve(answer: DeviceAnswer): void;
  reject(error: DeviceError): void;
}

/** @throws DeviceError `unavailable` when the machine has nothing to draw with */
export async function startDeviceChild(options: DeviceChildOptions): Promise<DeviceChild> {
  const { backend, timeoutMs } = options;
  const child: ChildProcess = fork(fileURLToPath(options.program), [...(options.argv ?? [])], {
    execArgv: [],
    serialization: "advanced",
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    env: { ...environment, ...options.env },
  });
  const gone = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const waiting = new Map<number, Waiting>();
  let nextId = readyId + 1;
  let end: DeviceError | undefined;
  let lastWords = "";
  let timer: NodeJS.Timeout | undefined;

  const watch = (): void => {
    clearTimeout(timer);
    if (waiting.size === 0) return;
    timer = setTimeout(
      () =>
        fail(
          new DeviceError("timeout", `no answer from the ${backend} process in ${timeoutMs} ms`),
        ),
      timeoutMs,
    );
  };
  const fail = (error: DeviceError): void => {
    end ??= error;
    child.kill("SIGKILL");
    for (const { reject } of waiting.values()) reject(end);
    waiting.clear();
    watch();
  };
  const expect = (id: number): Promise<DeviceAnswer> =>
    new Promise((resolve, reject) => {
      if (end !== undefined) return reject(end);
      waiting.set(id, { resolve, reject });
      watch();
    });

  child.stderr?.on("data", (chunk: Buffer) => {
    lastWords = `${lastWords}${chunk}`.slice(-maxStderrChars);
  });
  child.on("message", (answer: DeviceAnswer) => {
    if (answer.kind === "failed") return fail(new DeviceError(answer.code, answer.message));
    const id = answer.kind === "ready" ? readyId : answer.id;
    const asker = waiting.get(id);
    waiting.delete(id);
    watch();
    if (answer.kind === "tooLarge") asker?.reject(new DeviceError("too-large", answer.message));
    else asker?.resolve(answer);
  });
  child.on("error", (cause) =>
    fail(new DeviceError("crashed", `the ${backend} process failed: ${cause.message}`, { cause })),
  );
  child.on("close", (status, signal) => {
    const how = `the ${backend} process ended with ${signal ?? status}`;
    const [said = ""] = lastWords.split(stackTraceMark);
    const why = said.trim().slice(-maxReasonChars);
    fail(new DeviceError("crashed", why === "" ? how : `${how}: ${why}`));
  });

  const ready = await expect(readyId);
  return {
    device: ready.kind === "ready" ? ready.device : "",
    pid: child.pid ?? 0,
    ended: () => end,
    ask(request) {
      const id = nextId++;
      const answered = expect(id);
      const order: DeviceOrder = { ...request, id };
      // A pipe that broke is told by `close`.
      if (end === undefined) child.send(order, () => undefined);
      return answered;
    },
    async stop() {
      fail(new DeviceError("crashed", `the ${backend} process was told to stop`));
      await gone;
    },
  };
}
