/** One ONNX file, loaded, with its inputs and outputs by their usual names, typed as its own metadata says. */

import { ModelError } from "../errors.ts";
import type { GraphNames } from "../graph-files.ts";
import { InferenceSession, Tensor } from "./onnxruntime.ts";
import { createProfileFolder, type Placement, type ProfileFolder } from "./placement.ts";

/** What runs a model. */
export type Provider = "cpu" | "cuda" | "webgpu";
/** `auto`: the first that starts of CUDA, WebGPU on a GPU, and the CPU. */
export type ExecutionProvider = Provider | "auto";

export interface Graph extends AsyncDisposable {
  readonly inputs: ReadonlyMap<string, InputInfo>;
  readonly outputs: readonly string[];
  /** @returns one array an output, with its shape */
  run(feeds: Readonly<Record<string, Feed>>): Promise<Readonly<Record<string, Output>>>;
  /** Where its operators run; on a GPU it runs once to find that out, before anything else has. */
  place(feeds: Readonly<Record<string, Feed>>): Promise<Placement>;
}

export interface InputInfo {
  /** A number where the length is fixed. */
  readonly shape: readonly (number | undefined)[];
}

export interface Feed {
  readonly values: Float32Array | Int32Array;
  readonly shape: readonly number[];
}

export interface Output {
  readonly values: Float32Array;
  readonly shape: readonly number[];
}

export interface GraphOptions {
  readonly executionProvider: Provider;
  /** Threads of one run. */
  readonly threads: number;
  readonly names?: GraphNames;
}

/** @throws ModelError when the file cannot be loaded or the execution provider does not start */
export async function loadGraph(file: string, options: GraphOptions): Promise<Graph> {
  const { names = {} } = options;
  await using stack = new AsyncDisposableStack();
  const profile = options.executionProvider === "cpu" ? undefined : await createProfileFolder();
  if (profile !== undefined) {
    stack.use(profile);
  }
  const session = await createSession(file, options, profile);
  const usualNames = new Map(Object.entries(names).map(([usual, own]) => [own, usual]));
  const usual = (own: string): string => usualNames.get(own) ?? own;
  const inputs = new Map<string, TypedInput>();
  for (const info of session.inputMetadata) {
    if (!info.isTensor) {
      throw new ModelError("unsupported-model", `${file}: its input ${info.name} is not a tensor`);
    }
    const shape = info.shape.map((length) =>
      typeof length === "number" && length > 0 ? length : undefined,
    );
    inputs.set(usual(info.name), { type: info.type, shape });
  }
  stack.defer(() => session.release());
  const run: Graph["run"] = async (feeds) => {
    const tensors: Record<string, Tensor> = {};
    for (const [name, feed] of Object.entries(feeds)) {
      tensors[names[name] ?? name] = toTensor(
        file,
        name,
        inputs.get(name)?.type ?? "float32",
        feed,
      );
    }
    const results = await session.run(tensors);
    return Object.fromEntries(
      Object.entries(results).map(([name, tensor]) => [
        usual(name),
        { values: toFloats(file, name, tensor), shape: tensor.dims },
      ]),
    );
  };
  const owned = stack.move();
  return {
    inputs,
    outputs: session.outputNames.map(usual),
    run,
    async place(feeds) {
      if (profile === undefined) {
        return { onProvider: 0, onCpu: {} };
      }
      await run(feeds);
      session.endProfiling();
      return await profile.read();
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

interface TypedInput extends InputInfo {
  readonly type: Tensor.Type;
}

async function createSession(
  file: string,
  { executionProvider, threads }: GraphOptions,
  profile: ProfileFolder | undefined,
): Promise<InferenceSession> {
  const create = (provider: string): Promise<InferenceSession> =>
    InferenceSession.create(file, {
      executionProviders: [provider],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      ...(profile !== undefined && provider !== "cpu"
        ? { enableProfiling: true, profileFilePrefix: profile.prefix }
        : {}),
      // Threads that wait in a loop take the cores that the renderer needs meanwhile. On two cores that others use as
      // well, spinning cost up to a third more processor time a picture and won nothing (ViT-B/32, fp32 and int8).
      extra: { session: { intra_op: { allow_spinning: "0" } } },
    });
  let refusal: unknown;
  if (executionProvider !== "cpu") {
    try {
      return await create(executionProvider);
    } catch (error) {
      refusal = error;
    }
  }
  let session: InferenceSession;
  try {
    session = await create("cpu");
  } catch (cause) {
    throw new ModelError(
      "model-damaged",
      `${file} cannot be loaded (cut off, or not ONNX): ${messageOf(cause)}`,
      { cause },
    );
  }
  if (executionProvider === "cpu") {
    return session;
  }
  await session.release();
  throw new ModelError(
    "execution-provider",
    `the execution provider ${executionProvider} does not start on this machine; use cpu, or auto to fall ` +
      `back to it: ${messageOf(refusal)}`,
    { cause: refusal },
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function toTensor(file: string, name: string, type: Tensor.Type, { values, shape }: Feed): Tensor {
  switch (type) {
    case "float32":
      return new Tensor(
        "float32",
        values instanceof Float32Array ? values : Float32Array.from(values),
        shape,
      );
    case "float16":
      return float16Tensor(values, shape);
    case "int64":
      return new Tensor("int64", BigInt64Array.from(values, BigInt), shape);
    case "int32":
      return new Tensor(
        "int32",
        values instanceof Int32Array ? values : Int32Array.from(values),
        shape,
      );
    default:
      throw new ModelError("unsupported-model", `${file}: its input ${name} has the type ${type}`);
  }
}

function float16Tensor(values: Feed["values"], shape: readonly number[]): Tensor {
  const bits = new Uint16Array(new Float16Array(values).buffer);
  const tensor = new Tensor("float16", bits, shape);
  // The tensor holds them as a Float16Array, which the binding of 1.30 takes for one of no bytes; the bits in a
  // Uint16Array it understands. Source: microsoft/onnxruntime, pull request 32323.
  Object.defineProperty(tensor, "cpuData", { value: bits });
  return tensor;
}

function toFloats(file: string, name: string, tensor: Tensor): Float32Array {
  const { data, type } = tensor;
  if (data instanceof Float32Array) {
    return data;
  }
  if (type === "float16" && data instanceof Uint16Array) {
    const { buffer, byteOffset, length } = data;
    return Float32Array.from(new Float16Array(buffer, byteOffset, length));
  }
  if (data instanceof Float16Array) {
    return Float32Array.from(data);
  }
  throw new ModelError("unsupported-model", `${file}: its output ${name} has the type ${type}`);
}
