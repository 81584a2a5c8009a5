import assert from "node:assert/strict";
import { test } from "node:test";
import { InferenceSession, Tensor } from "../../src/score/inference/onnxruntime.ts";
import { encodeModel, floats, type Graph, int64s } from "./index.ts";

const graph: Graph = {
  name: "test",
  inputs: [{ name: "x", type: "float32", shape: ["batch", 3] }],
  outputs: [{ name: "y", type: "float32", shape: ["batch", 1] }],
  initializers: [
    floats("weights", [3, 2], [1, 2, 3, 4, 5, 6]),
    floats("bias", [2], [-10, 0.5]),
    int64s("axis", [1], [-1]),
  ],
  nodes: [
    {
      op: "Gemm",
      inputs: ["x", "weights", "bias"],
      outputs: ["product"],
      attributes: { alpha: { float: 0.5 } },
    },
    { op: "Relu", inputs: ["product"], outputs: ["positive"] },
    {
      op: "ReduceSum",
      inputs: ["positive", "axis"],
      outputs: ["y"],
      attributes: { keepdims: { int: 1 } },
    },
  ],
};

test("ONNX Runtime runs a written graph, attributes and constants included", async () => {
  const session = await InferenceSession.create(encodeModel(graph));
  const [input] = session.inputMetadata;
  assert.ok(input?.isTensor);
  assert.deepEqual([input.name, input.type, input.shape], ["x", "float32", ["batch", 3]]);
  const { y } = await session.run({ x: new Tensor("float32", [1, 2, 3, 4, 5, 6], [2, 3]) });
  // Row 1: relu(22/2 − 10) + relu(28/2 + 0.5); row 2: relu(49/2 − 10) + relu(64/2 + 0.5).
  assert.deepEqual([...(y?.data ?? [])], [15.5, 47]);
  assert.deepEqual(y?.dims, [2, 1]);
  await session.release();
});

test("equal graphs give equal bytes", () => {
  assert.deepEqual(encodeModel(graph), encodeModel(structuredClone(graph)));
});

test("a constant whose values do not fill its shape is refused", () => {
  assert.throws(() => floats("w", [2, 2], [1, 2, 3]), RangeError);
});
