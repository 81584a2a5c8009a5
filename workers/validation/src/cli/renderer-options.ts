/** Options of the one-shot commands that say what renders. */
import { availableParallelism } from "node:os";
import { renderingSchema, usesChosenGpu } from "../config.ts";
import type { Environment } from "../gpu/index.ts";
import type { RendererOptions } from "../render/index.ts";
import { UsageError } from "./arguments.ts";
import { parseAsConfig } from "./config-options.ts";

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

type Values = Readonly<{ [Name in keyof typeof rendererOptions]?: string | boolean | undefined }>;

const usesThreads = (name: string): boolean => name === "auto" || name === "cpu";

/**
 * @param provider what runs the model, in commands that run one
 * @throws UsageError also for what says something of a device that is not used
 */
export function parseRendererOptions(
  values: Values,
  env: Environment,
  provider?: string,
  isRendering = true,
): RendererOptions {
  const { threads, ...config } = parseAsConfig(renderingSchema, values, env);
  const used = [
    ...(isRendering ? [["--backend", config.backend] as const] : []),
    ...(provider === undefined ? [] : [["--execution-provider", provider] as const]),
  ];
  const refuse = (name: keyof Values, applies: (place: string) => boolean): void => {
    if (values[name] === undefined || used.some(([, place]) => applies(place))) {
      return;
    }
    const where = used.map(([option, place]) => `${option} ${place}`).join(" and ");
    throw new UsageError(`--${name} makes no sense with ${where}`);
  };
  refuse("gpu", usesChosenGpu);
  refuse("allow-software-gpu", usesChosenGpu);
  refuse("threads", usesThreads);
  return { ...config, env, gpu: config.gpu, threads: threads ?? availableParallelism() };
}
