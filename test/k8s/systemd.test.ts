/** The units for machines without containers, as systemd reads them. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const units = new URL("../../k8s/systemd", import.meta.url).pathname;
const skip =
  spawnSync("systemd-analyze", ["--version"]).status === 0 ? false : "systemd-analyze is not here";
/** Of `systemd-analyze security`, 0 to 10: what is above is "medium" and worse. */
const mostExposed = 2.5;

test("systemd finds nothing wrong with the units, and little exposed", { skip }, (t) => {
  // As installed: the programs that they start have to be there.
  const root = mkdtempSync(join(tmpdir(), "turntable-units-"));
  t.after(() => rmSync(root, { recursive: true }));
  for (const program of ["coordinator/entry", "worker/entry"]) {
    const file = join(root, "opt/turntable", program);
    mkdirSync(join(file, ".."), { recursive: true });
    writeFileSync(file, "#!/bin/sh\n", { mode: 0o755 });
  }
  for (const program of ["opt/turntable/nats-server", "bin/kill"]) {
    mkdirSync(join(root, program, ".."), { recursive: true });
    writeFileSync(join(root, program), "#!/bin/sh\n", { mode: 0o755 });
  }
  const folder = join(root, "etc/systemd/system");
  mkdirSync(folder, { recursive: true });
  cpSync(units, folder, { recursive: true });
  cpSync("/usr/lib/systemd/system", join(root, "usr/lib/systemd/system"), { recursive: true });
  const names = globSync("*.service", { cwd: folder });
  assert.equal(names.length, 3);
  for (const name of names) {
    const instance = name.replace("@.", "@1.");
    const verified = spawnSync(
      "systemd-analyze",
      ["verify", `--root=${root}`, "--man=no", "--recursive-errors=no", instance],
      { encoding: "utf8" },
    );
    assert.deepEqual([verified.status, verified.stderr], [0, ""], name);
    const security = spawnSync(
      "systemd-analyze",
      ["security", "--offline=true", `--threshold=${mostExposed * 10}`, join(folder, name)],
      { encoding: "utf8" },
    );
    const overall = security.stdout.trim().split("\n").at(-1);
    assert.equal(security.status, 0, `${name}: ${overall}${security.stderr}`);
  }
});
