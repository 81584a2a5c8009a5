/** The Python that generates stubs and runs them in tests: a virtual environment of pinned packages under `.cache`. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
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
  const python = join(environment, "bin", "python");
  const complete = join(environment, "complete");
  if (!existsSync(complete)) {
    await rm(environment, { recursive: true, force: true });
    await mkdir(join(root, ".cache"), { recursive: true });
    execFileSync("python3", ["-m", "venv", environment]);
    const install = [
      "-m",
      "pip",
      "install",
      "--quiet",
      "--no-input",
      "--disable-pip-version-check",
    ];
    execFileSync(python, [...install, ...packages]);
    await writeFile(complete, "");
  }
  return python;
}
