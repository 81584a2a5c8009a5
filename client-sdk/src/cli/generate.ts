import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CallFailedError } from "../errors.ts";
import { runBatch } from "./batch.ts";
import type { CliCommand } from "./command.ts";
import {
  type CommonFlags,
  type Run,
  runVerb,
  type VerbContext,
  withCommonOptions,
} from "./context.ts";
import { downloadAndSave, type Place, placeOf, removePart } from "./download.ts";
import { describeEvent } from "./events.ts";
import { explain } from "./explain.ts";
import { partPathOf, readPart } from "./part-file.ts";
import { promptLines, repeated } from "./prompts.ts";
import { extension, type SaveFlags, withSaveOptions } from "./save.ts";
import { formatDuration, printable, slug } from "./text.ts";
import { duration, UsageError, whole } from "./usage.ts";

interface GenerateFlags extends CommonFlags, SaveFlags {
  readonly timeout?: number;
  readonly prompts?: string;
  readonly count?: number;
  readonly parallel: number;
}

const defaultParallel = 4;
const maxParallel = 64;
const maxCount = 10_000;

export function addGenerate(program: CliCommand, run: Run): void {
  withCommonOptions(withSaveOptions(program.command("generate [PROMPT]")))
    .description("make an asset: create a task, follow it, download and check the result")
    .option(
      "--timeout <TIME>",
      "stop waiting after this time, such as 90s or 5m; the task goes on",
      duration("timeout"),
    )
    .option("--prompts <FILE>", "one prompt a line; - is standard input; --out names a folder then")
    .option("--count <N>", "so many assets of each prompt", whole("count", 1, maxCount))
    .option(
      "--parallel <N>",
      `so many at one time, up to ${maxParallel}, where there are several`,
      whole("parallel", 1, maxParallel),
      defaultParallel,
    )
    .action((prompt: string | undefined, flags: GenerateFlags) =>
      runVerb(run, flags, async (context) => {
        if (prompt === undefined && flags.prompts === undefined) {
          throw new UsageError("PROMPT is missing: turntable generate PROMPT, or --prompts FILE");
        }
        if (prompt !== undefined && flags.prompts !== undefined) {
          throw new UsageError("give PROMPT or --prompts FILE, not both");
        }
        if (prompt !== undefined && flags.count === undefined) {
          return await generateOne(prompt, flags, context);
        }
        const prompts =
          flags.prompts === undefined ? [prompt ?? ""] : promptLines(flags.prompts, context.signal);
        return await generateMany(repeated(prompts, flags.count ?? 1), flags, context);
      }),
    );
}

async function generateOne(prompt: string, flags: GenerateFlags, context: VerbContext) {
  const { output } = context;
  await make(prompt, flags, context, {
    ...placeOf(flags, context),
    patiently: (call) => call(),
    onTask(id) {
      output.note(`task ${printable(id)}`);
      context.suggest(`turntable watch ${id}`);
    },
  });
}

/** How one asset alone differs from one of many. */
interface Making extends Place {
  patiently<T>(call: () => Promise<T>): Promise<T>;
  onTask(id: string): void;
}

async function make(prompt: string, flags: GenerateFlags, context: VerbContext, making: Making) {
  const startedAt = Date.now();
  const leftMs = (): number | undefined =>
    flags.timeout && Math.max(1, flags.timeout - (Date.now() - startedAt));
  const { patiently } = making;
  const save = (taskId: string): Promise<void> =>
    patiently(() => downloadAndSave(taskId, making, flags, context, leftMs()));
  if (await goOn(prompt, making.part(undefined), context, save)) {
    return;
  }
  const { client, signal } = context;
  const { id } = await patiently(() => client.create(prompt, { signal, timeoutMs: leftMs() }));
  making.onTask(id);
  await patiently(() =>
    client.waitFor(id, {
      signal,
      timeoutMs: leftMs(),
      onProgress(event) {
        if (event.kind !== "succeeded") {
          making.onProgress(describeEvent(event));
        }
      },
    }),
  );
  await save(id);
}

/** Whether a download for this prompt was cut off at the same place, and has been brought to its end now. */
async function goOn(
  prompt: string,
  path: string | undefined,
  context: VerbContext,
  save: (taskId: string) => Promise<void>,
): Promise<boolean> {
  const part = path === undefined ? undefined : await readPart(path);
  if (part?.prompt !== prompt) {
    return false;
  }
  context.output.note(
    `going on with task ${printable(part.taskId)}, whose asset ${path} has in part`,
  );
  try {
    await save(part.taskId);
    return true;
  } catch (error) {
    const isGone =
      error instanceof CallFailedError && ["not-found", "failed-precondition"].includes(error.code);
    if (!isGone) {
      throw error;
    }
    await removePart(path);
    return false;
  }
}

/** @throws SomeFailedError at the end when some have no asset */
async function generateMany(
  prompts: AsyncIterable<string>,
  flags: GenerateFlags,
  context: VerbContext,
): Promise<void> {
  const { json, output, signal } = context;
  if (flags.out === "-") {
    throw new UsageError("--out -: several assets go to a folder, not to standard output");
  }
  const folder = flags.out ?? ".";
  await mkdir(folder, { recursive: true });
  context.suggest("turntable tasks");
  const startedAt = performance.now();
  const { done, failed } = await runBatch(prompts, {
    parallel: flags.parallel,
    signal,
    onChange: ({ done, failed, total }) => {
      const ended = done + failed;
      const all = total === undefined ? "" : ` of ${total}`;
      const some = failed === 0 ? "" : `, ${failed} of them without an asset`;
      output.progress(`${ended}${all} ended${some}`, total && ended / total);
    },
    async work(prompt, index) {
      const name = join(folder, `${String(index + 1).padStart(4, "0")}-${slug(prompt)}`);
      await make(prompt, flags, context, {
        part: () => partPathOf(name),
        out: (asset) => `${name}.${extension(asset)}`,
        patiently: (call) => patiently(signal, call),
        onTask: () => undefined,
        onProgress: () => undefined,
      });
    },
    async onFailure(prompt, error) {
      const message = explain(error, undefined, undefined);
      output.note(`failed: ${printable(prompt)}: ${message}`);
      if (json) {
        const code = error instanceof Error && "code" in error ? error.code : "error";
        await output.write(`${JSON.stringify({ prompt, error: { code, message } })}\n`);
      }
    },
  });
  output.endProgress();
  const took = formatDuration(performance.now() - startedAt);
  output.note(`${done} of ${done + failed} made in ${took}, in ${folder}`);
  if (failed > 0) {
    throw new SomeFailedError(failed);
  }
}

/** Each failure was told when it came. */
class SomeFailedError extends Error {
  override name = "SomeFailedError";
  readonly code = "some-failed";
  constructor(failed: number) {
    super(`${failed} ${failed === 1 ? "prompt has" : "prompts have"} no asset; see above`);
  }
}

/** A server that has too many open tasks says when to come back; a batch has the time. */
async function patiently<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof CallFailedError) || error.code !== "resource-exhausted") {
        throw error;
      }
      if (error.retryAfterMs === undefined) {
        throw error;
      }
      await sleep(error.retryAfterMs, undefined, { signal });
    }
  }
}
