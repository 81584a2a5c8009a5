/** Options of the one-shot commands that say what renders. */
import { availableParallelism } from "node:os";
import type { Environment } from "../gpu/index.ts";
import { type RendererOptions, renderBackends } from "../render/index.ts";
import { parseChoice, parseNumber } from "./arguments.ts";

export const rendererOptions = {
  backend: { type: "string" },
  gpu: { type: "string" },
  "allow-software-gpu": { type: "boolean" },
  threads: { type: "string" },
} as const;

/** For their help texts. */
export const rendererHelp = `\
  --backend NAME     what renders: cpu, webgpu, gl, or auto: webgpu where there is a GPU, else cpu [auto]
  --gpu WHICH        index or part of the name of a GPU, as \`devices\` shows them [the fastest]
  --allow-software-gpu  take a GPU driver that computes on the CPU as well
`;

/** @throws UsageError */
export function parseRendererOptions(
  values: Readonly<{ [Name in keyof typeof rendererOptions]?: string | boolean }>,
  env: Environment,
): RendererOptions {
  const text = (value: string | boolean | undefined): string | undefined =>
    typeof value === "string" ? value : undefined;
  const threads = parseNumber("threads", text(values.threads), { min: 1, max: 256, integer: true });
  return {
    backend: parseChoice("backend", text(values.backend), renderBackends),
    env,
    gpu: text(values.gpu),
    allowSoftwareGpu: values["allow-software-gpu"] === true,
    threads: threads ?? availableParallelism(),
  };
}
