/** What of the release workflow runs without an engine. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { z } from "zod";
import { root } from "./workspaces.ts";

const step = z.object({ run: z.string().optional() });
const workflow = z.object({ jobs: z.object({ images: z.object({ steps: z.array(step) }) }) });

test("a release finds the version of each base that it pins", () => {
  const { jobs } = workflow.parse(
    parse(readFileSync(join(root, ".github/workflows/release.yml"), "utf8")),
  );
  const script = jobs.images.steps.map(({ run = "" }) => run).join("\n");
  const [base = assert.fail()] = /^base\(\) .*$/m.exec(script) ?? [];
  const asked = [...script.matchAll(/\$\(base ([^)]+)\)/g)].map(([, name = ""]) => name);
  assert.deepEqual(asked, ["node", "debian", "nvidia/cuda"]);
  for (const name of asked) {
    const found = execFileSync("bash", ["-c", `${base}\nbase ${name}`], {
      cwd: root,
      encoding: "utf8",
    });
    assert.match(found, new RegExp(`^${name}:\\d[\\w.-]+\\n$`));
  }
});
