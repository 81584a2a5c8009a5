/** One process that draws, seen from outside: it starts, answers orders, and ends once. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { environment } from "../../config.ts";
import { GlError } from "./errors.ts";
import type { GlAnswer, GlOrder, GlRequest } from "./process.ts";

export interface GlChild {
  readonly device: string;
  /** Why it ended; undefined while it runs. */
  readonly ended: () => GlError | undefined;
  /** @throws GlError when the process fails or takes too long; it has ended then. */
  ask(order: GlRequest): Promise<GlAnswer>;
  /** Ends it and waits until it is gone. */
  stop(): Promise<void>;
  readonly pid: number;
}

export interface GlChildOptions {
  /** The module that runs; the project's own when absent. */
  readonly program?: URL;
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
  resolve(answer: GlAnswer): void;
  reject(error: GlError): void;
}

/** @throws GlError `unavailable` when the machine has nothing to draw with */
export async function startGlChild({ program, timeoutMs }: GlChildOptions): Promise<GlChild> {
  const path = fileURLToPath(program ?? new URL("process.ts", import.meta.url));
  const child: ChildProcess = fork(path, {
    execArgv: [],
    serialization: "advanced",
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    env: { ...environment, ANGLE_DEFAULT_PLATFORM: "vulkan" },
  });
  const gone = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const waiting = new Map<number, Waiting>();
  let nextId = readyId + 1;
  let end: GlError | undefined;
  let lastWords = "";
  let timer: NodeJS.Timeout | undefined;

  const watch = (): void => {
    clearTimeout(timer);
    if (waiting.size === 0) return;
    timer = setTimeout(
      () => fail(new GlError("timeout", `no answer from the gl process for ${timeoutMs} ms`)),
      timeoutMs,
    );
  };
  const fail = (error: GlError): void => {
    end ??= error;
    child.kill("SIGKILL");
    for (const { reject } of waiting.values()) reject(end);
    waiting.clear();
    watch();
  };
  const expect = (id: number): Promise<GlAnswer> =>
    new Promise((resolve, reject) => {
      if (end !== undefined) return reject(end);
      waiting.set(id, { resolve, reject });
      watch();
    });

  child.stderr?.on("data", (chunk: Buffer) => {
    lastWords = `${lastWords}${chunk}`.slice(-maxStderrChars);
  });
  child.on("message", (answer: GlAnswer) => {
    if (answer.kind === "failed") return fail(new GlError(answer.code, answer.message));
    const id = answer.kind === "ready" ? readyId : answer.id;
    const asker = waiting.get(id);
    waiting.delete(id);
    watch();
    asker?.resolve(answer);
  });
  child.on("error", (cause) =>
    fail(new GlError("crashed", `the gl process failed: ${cause.message}`, { cause })),
  );
  child.on("close", (status, signal) => {
    const how = `the gl process ended with ${signal ?? status}`;
    const [said = ""] = lastWords.split(stackTraceMark);
    const why = said.trim().slice(-maxReasonChars);
    fail(new GlError("crashed", why === "" ? how : `${how}: ${why}`));
  });

  const ready = await expect(readyId);
  return {
    device: ready.kind === "ready" ? ready.device : "",
    pid: child.pid ?? 0,
    ended: () => end,
    ask(request) {
      const id = nextId++;
      const answered = expect(id);
      const order: GlOrder = { ...request, id };
      // A pipe that broke is told by `close`.
      if (end === undefined) child.send(order, () => undefined);
      return answered;
    },
    async stop() {
      fail(new GlError("crashed", "the gl process was told to stop"));
      await gone;
    },
  };
}
