/** Compares the .proto files with those of the commit before; passes when there is none. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = new URL("..", import.meta.url).pathname;
const scratch = mkdtempSync(join(tmpdir(), "turntable-breaking-"));
try {
  const archive = spawnSync("git", ["archive", "HEAD~1", "proto", "buf.yaml"], {
    cwd: root,
    maxBuffer: 256 * 1024 * 1024,
  });
  if (archive.status !== 0) {
    console.log("buf breaking: no commit before this one to compare with");
  } else {
    spawnSync("tar", ["-x", "-C", scratch], { input: archive.stdout });
    const result = spawnSync("buf", ["breaking", "--against", scratch], {
      cwd: root,
      stdio: "inherit",
    });
    process.exitCode = result.status ?? 1;
  }
} finally {
  rmSync(scratch, { recursive: true });
}
