import assert from "node:assert/strict";
import { join, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { importsOf, packageOf, sourcesIn, specifiersIn } from "./imports.ts";
import { readPackage, readWorkspaces, root } from "./workspaces.ts";

const workspaces = readWorkspaces();
const ofTests = Object.keys(readPackage(".").devDependencies);
/** What only tests, and those who compile the kernels, run takes development dependencies as well. */
const isTest = (file: string): boolean =>
  /^test\/|\/test\/|\.test\.ts$|\/kernels\/(build|compile)\.ts$/.test(file);

test("imports of every form are found, and those of texts and comments are not", () => {
  const source = [
    'import a, { b } from "one";',
    'import type { C } from "two/deep";',
    'import "three";',
    'export * from "./four.ts";',
    '} from "five";',
    'const six = await import("six");',
    '// import "seven";',
    ' * import "eight";',
    'const text = `import "nine";`;',
  ].join("\n");
  assert.deepEqual(specifiersIn(source), ["one", "two/deep", "three", "./four.ts", "five", "six"]);
});

test("a package is what stands before the path in it", () => {
  assert.equal(packageOf("@scope/name/deep/path.js"), "@scope/name");
  assert.equal(packageOf("name/deep"), "name");
  assert.equal(packageOf("node:fs"), undefined);
  assert.equal(packageOf("../x.ts"), undefined);
});

for (const workspace of workspaces) {
  const { folder, name } = workspace;
  const declared = { ...workspace.dependencies, ...workspace.optionalDependencies };
  const files = sourcesIn(folder).map((file) => ({ file, specifiers: importsOf(file) }));

  test(`${name} declares what it imports`, () => {
    const undeclared = files.flatMap(({ file, specifiers }) => {
      const allowed = new Set([name, ...Object.keys(declared), ...(isTest(file) ? ofTests : [])]);
      return specifiers.flatMap((specifier) => {
        const imported = packageOf(specifier);
        return imported === undefined || allowed.has(imported) ? [] : `${file}: ${imported}`;
      });
    });
    assert.deepEqual(undeclared, []);
  });

  test(`${name} imports what it declares`, () => {
    const own = folder === "test" ? files : files.filter(({ file }) => !isTest(file));
    const imported = new Set(own.flatMap(({ specifiers }) => specifiers.map(packageOf)));
    // Types for a package come with it, without an import of their own.
    const unused = Object.keys(declared).filter(
      (dependency) => !imported.has(dependency) && !dependency.startsWith("@types/"),
    );
    assert.deepEqual(unused, []);
  });

  test(`${name} leaves its folder by package names only`, () => {
    const leaving = files.flatMap(({ file, specifiers }) =>
      specifiers
        .filter((specifier) => specifier.startsWith("."))
        .filter((specifier) => relative(folder, join(file, "..", specifier)).startsWith(".."))
        .map((specifier) => `${file}: ${specifier}`),
    );
    assert.deepEqual(leaving, []);
  });
}

/** Whoever uses the SDK installs, or loads, no part of the server's side. */
const notOfClients = /^(@nats-io\/|@grpc\/reflection|onnxruntime|webgpu|gl$|sharp|pino|hono)/;

test("the client SDK's packages, with those of its workspaces, are the client's side alone", () => {
  const seen = new Set<string>();
  const visit = (name: string): void => {
    if (seen.has(name)) {
      return;
    }
    seen.add(name);
    const found = workspaces.find((workspace) => workspace.name === name);
    for (const dependency of Object.keys(found?.dependencies ?? {})) {
      visit(dependency);
    }
  };
  visit("@turntable/client");
  assert.ok(seen.has("@turntable/proto") && seen.has("@turntable/splat"), "the tree was read");
  assert.deepEqual(
    [...seen].filter((name) => notOfClients.test(name) || name === "@turntable/bus"),
    [],
  );
});

test("what the client SDK and its commands load is without NATS and @polkadot/api", () => {
  const packages = new Set<string>();
  const visited = new Set<string>();
  const visit = (file: string): void => {
    if (visited.has(file)) {
      return;
    }
    visited.add(file);
    for (const specifier of importsOf(file)) {
      const name = packageOf(specifier);
      if (name?.startsWith("@turntable/")) {
        visit(relative(root, fileURLToPath(import.meta.resolve(specifier))));
      } else if (name !== undefined) {
        packages.add(name);
      } else if (specifier.startsWith(".")) {
        visit(join(file, "..", specifier));
      }
    }
  };
  for (const file of ["client-sdk/src/index.ts", "client-sdk/src/cli/main.ts"]) {
    visit(file);
  }
  assert.ok(packages.has("@grpc/grpc-js") && packages.has("@noble/curves"), "the tree was read");
  assert.deepEqual(
    [...packages].filter((name) => notOfClients.test(name) || name === "@polkadot/api"),
    [],
  );
});
