/** ONNX Runtime in the process that imports this. */
export { loadGraph } from "./score/inference/graph.ts";
