/** One ONNX file, loaded, with its inputs and outputs as its own metadata names and types them. */
import { InferenceSession, Tensor } from "onnxruntime-node";
import { ModelError } from "../errors.ts";

/** What runs a model. `auto`: CUDA when it starts on this machine, else the CPU. */
export type ExecutionProvider = "cpu" | "cuda" | "webgpu" | "auto";

export interface Graph extends AsyncDisposable {
  /** What really runs it. */
  readonly executionProvider: Exclude<ExecutionProvider, "auto">;
  readonly inputs: ReadonlyMap<string, InputInfo>;
  readonly outputs: readonly string[];
  /** @returns one array an output, with its shape */
  run(feeds: Readonly<Record<string, Feed>>): Promise<Readonly<Record<string, Output>>>;
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
  readonly executionProvider: ExecutionProvider;
  /** Threads of one run. */
  readonly threads: number;
}

/** @throws ModelError when the file cannot be loaded or the execution provider does not start */
export async function loadGraph(file: string, options: GraphOptions): Promise<Graph> {
  const { session, executionProvider } = await createSession(file, options);
  const inputs = new Map<string, TypedInput>();
  for (const info of session.inputMetadata) {
    if (!info.isTensor) {
      throw new ModelError("unsupported-model", `${file}: its input ${info.name} is not a tensor`);
    }
    const shape = info.shape.map((length) =>
      typeof length === "number" && length > 0 ? length : undefined,
    );
    inputs.set(info.name, { type: info.type, shape });
  }
  return {
    executionProvider,
    inputs,
    outputs: session.outputNames,
    async run(feeds) {
      const tensors: Record<string, Tensor> = {};
      for (const [name, feed] of Object.entries(feeds)) {
        tensors[name] = toTensor(file, name, inputs.get(name)?.type ?? "float32", feed);
      }
      const results = await session.run(tensors);
      return Object.fromEntries(
        Object.entries(results).map(([name, tensor]) => [
          name,
          { values: toFloats(file, name, tensor), shape: tensor.dims },
        ]),
      );
    },
    async [Symbol.asyncDispose]() {
      await session.release();
    },
  };
}

interface TypedInput extends InputInfo {
  readonly type: Tensor.Type;
}

interface LoadedSession {
  readonly session: InferenceSession;
  readonly executionProvider: Exclude<ExecutionProvider, "auto">;
}

async function createSession(
  file: string,
  { executionProvider, threads }: GraphOptions,
): Promise<LoadedSession> {
  const create = (provider: string): Promise<InferenceSession> =>
    InferenceSession.create(file, {
      executionProviders: [provider],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      // Threads that wait in a loop take the cores that the renderer needs meanwhile. On two cores that others use as
      // well, spinning cost up to a third more processor time a picture and won nothing (ViT-B/32, fp32 and int8).
      extra: { session: { intra_op: { allow_spinning: "0" } } },
    });
  let refusal: unknown;
  const wanted = executionProvider === "auto" ? "cuda" : executionProvider;
  if (wanted !== "cpu") {
    try {
      return { session: await create(wanted), executionProvider: wanted };
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
  if (executionProvider === "cpu" || executionProvider === "auto") {
    return { session, executionProvider: "cpu" };
  }
  await session.release();
  throw new ModelError(
    "execution-provider",
    `the execution provider ${wanted} does not start on this machine; use cpu, or auto to fall ` +
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
      return new Tensor("float32", Float32Array.from(values), shape);
    case "float16":
      return float16Tensor(values, shape);
    case "int64":
      return new Tensor("int64", BigInt64Array.from(values, BigInt), shape);
    case "int32":
      return new Tensor("int32", Int32Array.from(values), shape);
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
  if (data instanceof Float32Array) return data;
  if (type === "float16" && data instanceof Uint16Array) {
    const { buffer, byteOffset, length } = data;
    return Float32Array.from(new Float16Array(buffer, byteOffset, length));
  }
  if (data instanceof Float16Array) return Float32Array.from(data);
  throw new ModelError("unsupported-model", `${file}: its output ${name} has the type ${type}`);
}
