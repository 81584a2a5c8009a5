/** The workspaces as package.json lists them. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

const packageSchema = z.object({
  name: z.string(),
  version: z.string(),
  workspaces: z.array(z.string()).default([]),
  dependencies: z.record(z.string(), z.string()).default({}),
  optionalDependencies: z.record(z.string(), z.string()).default({}),
  devDependencies: z.record(z.string(), z.string()).default({}),
});

export type Package = z.infer<typeof packageSchema>;

export interface Workspace extends Package {
  /** Relative to the repository. */
  readonly folder: string;
}

/** The repository, an absolute path. */
export const root = join(import.meta.dirname, "..");

/** @param folder relative to the repository */
export function readPackage(folder: string): Package {
  return packageSchema.parse(JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")));
}

export function readWorkspaces(): readonly Workspace[] {
  return readPackage(".")
    .workspaces.flatMap((pattern) => globSync(`${pattern}/package.json`, { cwd: root }))
    .map((file) => file.replace("/package.json", ""))
    .map((folder) => ({ folder, ...readPackage(folder) }));
}
