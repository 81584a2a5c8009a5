/** Fails when proto/gen is not what `npm run generate` makes of the .proto files. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = new URL("..", import.meta.url).pathname;
const scratch = mkdtempSync(join(tmpdir(), "turntable-generate-"));
try {
  for (const name of ["proto", "buf.yaml"]) {
    cpSync(join(root, name), join(scratch, name), { recursive: true });
  }
  execFileSync("buf", ["generate", "--template", "proto/buf.gen.yaml"], {
    cwd: scratch,
    stdio: "inherit",
  });
  const drifted = filesIn(scratch).filter((file) => read(scratch, file) !== read(root, file));
  const stale = filesIn(root).filter((file) => !filesIn(scratch).includes(file));
  if (drifted.length + stale.length > 0) {
    const names = [...drifted, ...stale].join(", ");
    console.error(`generated code is not up to date: ${names}\nrun: npm run generate`);
    process.exitCode = 1;
  }
} finally {
  rmSync(scratch, { recursive: true });
}

function filesIn(directory: string): readonly string[] {
  return readdirSync(join(directory, "proto", "gen"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => join("proto", "gen", file));
}

function read(directory: string, file: string): string | undefined {
  try {
    return readFileSync(join(directory, file), "utf8");
  } catch {
    return undefined;
  }
}
