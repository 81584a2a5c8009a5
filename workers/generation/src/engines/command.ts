/** A program that writes an asset to its standard output. */
import { spawn } from "node:child_process";
import { answerOf, EngineError, type GenerationEngine, maxAnswerBytes } from "./engine.ts";

export interface CommandEngineOptions {
  /**
   * The program and its arguments; no shell. `{prompt}`, `{seed}`, `{splats}` and `{format}` in them are replaced
   * (by nothing where the request does not say). Without `{prompt}` the prompt goes to the standard input.
   */
  readonly command: readonly string[];
  /** How many of them run at a time. */
  readonly concurrency: number;
}

/** A program that does not heed SIGTERM is killed after this. */
const killAfterMs = 2_000;
/** This much of what it wrote to its standard error goes into the error. */
const maxComplaintChars = 400;

/** @throws RangeError when no program is named */
export function createCommandEngine({
  command,
  concurrency,
}: CommandEngineOptions): GenerationEngine {
  const [program, ...template] = command;
  if (program === undefined) {
    throw new RangeError("the command names no program");
  }
  const takesPrompt = template.some((argument) => argument.includes("{prompt}"));
  return {
    name: "command",
    concurrency,
    async generate({ prompt, seed, splats, format }, signal) {
      signal.throwIfAborted();
      const values: Readonly<Record<string, string>> = {
        prompt,
        format,
        seed: seed === undefined ? "" : String(seed),
        splats: splats === undefined ? "" : String(splats),
      };
      // One pass, so that a prompt with braces in it stays as it is.
      const args = template.map((argument) =>
        argument.replace(
          /\{(prompt|seed|splats|format)\}/g,
          (_, name: string) => values[name] ?? "",
        ),
      );
      const bytes = await run(program, args, takesPrompt ? "" : prompt, signal);
      return await answerOf(bytes, format, []);
    },
    async [Symbol.asyncDispose]() {},
  };
}

async function run(
  program: string,
  args: readonly string[],
  input: string,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
  const chunks: Buffer[] = [];
  let size = 0;
  let complaint = "";
  let isTooLarge = false;
  let killer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    child.kill("SIGTERM");
    killer ??= setTimeout(() => child.kill("SIGKILL"), killAfterMs);
  };
  child.stdout.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size <= maxAnswerBytes) {
      chunks.push(chunk);
    } else if (!isTooLarge) {
      isTooLarge = true;
      stop();
    }
  });
  child.stderr.on("data", (chunk: Buffer) => {
    complaint = (complaint + chunk.toString("utf8")).slice(-maxComplaintChars);
  });
  child.stdin.on("error", () => {}); // it need not read its input
  child.stdin.end(input);
  signal.addEventListener("abort", stop, { once: true });
  try {
    const ending = await new Promise<string>((resolve, reject) => {
      child.once("error", (error) =>
        reject(
          new EngineError("unreachable", `the program ${program} does not start`, { cause: error }),
        ),
      );
      child.once("close", (code, name) =>
        resolve(code === null ? `signal ${name}` : `status ${code}`),
      );
    });
    signal.throwIfAborted();
    if (isTooLarge) {
      throw new EngineError("too-large", `the program wrote more than ${maxAnswerBytes} bytes`);
    }
    if (ending !== "status 0") {
      throw new EngineError("failed", `the program ended with ${ending}: ${complaint.trim()}`);
    }
    return Buffer.concat(chunks);
  } finally {
    clearTimeout(killer);
    signal.removeEventListener("abort", stop);
  }
}
