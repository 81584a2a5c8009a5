/** The Python that generates stubs and runs them in tests: a virtual environment of pinned packages under `.cache`. */
import { join } from "node:path";
import { ensurePythonEnvironment } from "@turntable/test/python-environment";
import { root } from "./workspaces.ts";

/** Generated code insists on at least the versions that it was generated for. */
export const oldestGrpcio = "1.76.0";
export const oldestProtobuf = "6.31.1";
const packages = [
  `grpcio-tools==${oldestGrpcio}`,
  `grpcio==${oldestGrpcio}`,
  "protobuf==6.33.6",
  "setuptools==80.9.0",
];
const environment = join(root, ".cache", `python-tools-${oldestGrpcio}`);

/** @returns the path of its `python`; @throws when there is no Python 3, or PyPI is out of reach */
export async function ensurePythonTools(): Promise<string> {
  return await ensurePythonEnvironment(environment, { base: "python3", packages });
}
