/** The library that runs models, with its reports to its maker switched off: the only way it is loaded. */
import "./telemetry-off.ts";

export { env, InferenceSession, Tensor } from "onnxruntime-node";
