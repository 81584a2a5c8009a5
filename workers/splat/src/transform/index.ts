export { determinant, identity, type Matrix3, multiply, rotationAround } from "./matrix.ts";
export { type Similarity, transformSplat } from "./transform.ts";
