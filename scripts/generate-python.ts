/**
 * Makes the Python package of the API's generated stubs: `npm run generate:python [DIRECTORY]`, `client-sdk/dist-python`
 * when none is given. What generates it comes from PyPI into a virtual environment under `.cache`, once.
 */
import { execFileSync } from "node:child_process";
import { globSync } from "node:fs";
import { copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { ensurePythonTools, oldestGrpcio, oldestProtobuf } from "./python-tools.ts";
import { readPackage, root } from "./workspaces.ts";

const protos = join(root, "proto");

await generatePython(resolve(process.argv[2] ?? join(root, "client-sdk/dist-python")));

async function generatePython(out: string): Promise<void> {
  const python = await ensurePythonTools();
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  const files = globSync("turntable/v1/*.proto", { cwd: protos });
  const outputs = [`--python_out=${out}`, `--pyi_out=${out}`, `--grpc_python_out=${out}`];
  execFileSync(python, ["-m", "grpc_tools.protoc", `-I${protos}`, ...outputs, ...files]);
  for (const folder of ["turntable", "turntable/v1"]) {
    await writeFile(join(out, folder, "__init__.py"), "");
  }
  await writeFile(join(out, "turntable/py.typed"), "");
  await writeFile(join(out, "pyproject.toml"), manifest(readPackage("client-sdk").version));
  await copyFile(join(root, "LICENSE"), join(out, "LICENSE"));
  console.log(`pip install ${out}\npython: ${python}`);
}

function manifest(version: string): string {
  return `[build-system]
requires = ["setuptools>=61"]
build-backend = "setuptools.build_meta"

[project]
name = "turntable-client"
version = "${version}"
description = "Generated stubs of the Turntable API: text to 3D assets on Bittensor's subnet 17"
license = { text = "MIT" }
requires-python = ">=3.9"
dependencies = ["grpcio>=${oldestGrpcio}", "protobuf>=${oldestProtobuf}"]

[tool.setuptools]
packages = ["turntable", "turntable.v1"]

[tool.setuptools.package-data]
turntable = ["py.typed", "v1/*.pyi"]
`;
}
