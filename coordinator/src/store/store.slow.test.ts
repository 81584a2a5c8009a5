/** What the store promises about processes: that its data survives them, and that only one has it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openStore } from "./index.ts";

function directory(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "turntable-store-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

/** Runs `use`, a statement about `store`, in a process of its own that has the folder's database open. */
function inAnotherProcess(path: string, use: string) {
  const program = `
    const { openStore } = await import(${JSON.stringify(new URL("index.ts", import.meta.url).href)});
    const store = openStore(${JSON.stringify(path)});
    ${use}`;
  return spawnSync(process.execPath, ["--input-type=module", "-e", program]);
}

test("fault 10: what was committed, or only noted, is there after kill -9", () => {
  for (const verb of ["run", "note"]) {
    using folder = directory();
    const insert = `store.${verb}("INSERT INTO miners (hotkey, cooldown_until, cooldown_violations, violations, average_fidelity) VALUES ('A', 0, 0, 0, 1)");`;
    const child = inAnotherProcess(folder.path, `${insert} process.kill(process.pid, "SIGKILL");`);
    assert.equal(child.signal, "SIGKILL", child.stderr.toString());
    using store = openStore(folder.path);
    assert.ok(store.get("SELECT * FROM miners WHERE hotkey = 'A'"), verb);
  }
});

test("a second process is refused with a hint", () => {
  using folder = directory();
  using _store = openStore(folder.path);
  const child = inAnotherProcess(folder.path, "");
  assert.match(child.stderr.toString(), /StoreError: .*another coordinator/);
});
