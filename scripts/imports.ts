/** What TypeScript files import, read from their text. */
import { globSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import { readWorkspaces, root } from "./workspaces.ts";

/** `from "x"` of import and export, `import "x"`, and `import("x")`. */
const importPattern = /(?:\bfrom |^import |\bimport\(\s*)"([^"\n]+)"/gm;

/** A fixture's or a generator's text may hold an import as well: what stands in backticks or a comment is passed over. */
const passedOver = /`[^`]*`|^\s*(?:\*|\/\/|\/\*\*).*$/gm;

/** The specifiers in the text of a module, as they stand there. */
export function specifiersIn(source: string): readonly string[] {
  const code = source.replaceAll(passedOver, "");
  return [...code.matchAll(importPattern)].flatMap(([, specifier]) => specifier ?? []);
}

/** The package that a specifier names; undefined for files, a package's own parts (`#name`) and Node's modules. */
export function packageOf(specifier: string): string | undefined {
  if (/^[.#]/.test(specifier) || isBuiltin(specifier)) {
    return undefined;
  }
  const [scope = "", name = ""] = specifier.split("/");
  return scope.startsWith("@") ? `${scope}/${name}` : scope;
}

/** Without those of workspaces within it. @param folder relative to the repository, as the results are */
export function sourcesIn(folder: string): readonly string[] {
  const inner = readWorkspaces()
    .map((workspace) => `${workspace.folder}/`)
    .filter((other) => other.startsWith(`${folder}/`) && other !== `${folder}/`);
  return globSync("**/*.{ts,tsx,mjs}", { cwd: join(root, folder), exclude: ["**/node_modules/**"] })
    .map((file) => join(folder, file))
    .filter((file) => !inner.some((other) => file.startsWith(other)))
    .toSorted();
}

/** The specifiers of a file. @param file relative to the repository */
export function importsOf(file: string): readonly string[] {
  return specifiersIn(readFileSync(join(root, file), "utf8"));
}
