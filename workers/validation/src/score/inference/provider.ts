/** Which execution providers come into question for a model on this machine. */
import { type Environment, listGpus } from "../../gpu/index.ts";
import { ModelError } from "../errors.ts";
import type { ExecutionProvider, Provider } from "./graph.ts";

export interface ProviderOptions {
  readonly executionProvider: ExecutionProvider;
  /** The variables of a process that works on a GPU: usually all that this process has. */
  readonly env: Environment;
  /** The GPU that was named for rendering. */
  readonly gpu?: string | undefined;
  readonly allowSoftwareGpu?: boolean | undefined;
}

export interface ProviderChoice {
  /** In the order to try them in. */
  readonly providers: readonly Provider[];
  /** Why it is not what was asked for. */
  readonly note?: string;
}

/** @throws ModelError when webgpu was asked for and there is no GPU for it */
export async function chooseProviders(
  operators: ReadonlySet<string>,
  { executionProvider, env, gpu, allowSoftwareGpu }: ProviderOptions,
): Promise<ProviderChoice> {
  if (executionProvider === "cpu") {
    return { providers: ["cpu"] };
  }
  if (integerOperators.some((operator) => operators.has(operator))) {
    const note = `an int8 model runs on the cpu, not on ${executionProvider}: GPUs run its operators by detours`;
    return { providers: ["cpu"], note };
  }
  if (executionProvider === "cuda") {
    return { providers: ["cuda"] };
  }
  const refusal = await webgpuRefusal(env, gpu, allowSoftwareGpu);
  if (executionProvider === "auto") {
    const providers: readonly Provider[] =
      refusal === undefined ? ["cuda", "webgpu", "cpu"] : ["cuda", "cpu"];
    return { providers };
  }
  if (refusal === undefined) {
    return { providers: ["webgpu"] };
  }
  throw new ModelError(
    "execution-provider",
    `the execution provider webgpu cannot be used: ${refusal}; use cpu, or auto to fall back to it`,
  );
}

async function webgpuRefusal(
  env: Environment,
  gpu: string | undefined,
  allowSoftware: boolean | undefined,
): Promise<string | undefined> {
  const gpus = await listGpus({ env, allowSoftware });
  const usable = gpus.filter(
    ({ isSoftware, refusal }) => refusal === undefined && (!isSoftware || allowSoftware === true),
  );
  if (gpus.length === 0) {
    return "Vulkan offers no GPU, see `turntable-worker devices`";
  }
  if (usable.length === 0) {
    return "the GPU drivers here compute on the CPU; --allow-software-gpu would take one, to try things out";
  }
  if (gpu !== undefined && usable.length > 1) {
    const names = usable.map(({ name }) => name).join(", ");
    return `ONNX Runtime takes the first GPU, whatever --gpu says, and there are ${names}; show the worker only one`;
  }
  return undefined;
}

/** ONNX operators on integers. */
const integerOperators = ["MatMulInteger", "ConvInteger", "QLinearMatMul", "DynamicQuantizeLinear"];
