import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../main.ts", import.meta.url));
const software = "/usr/lib/chromium/vk_swiftshader_icd.json";

/** Its lines where Vulkan has the drivers of these manifests, and no others. */
function devices(manifests: string): readonly string[] {
  const env = { ...process.env, VK_DRIVER_FILES: manifests, VK_ICD_FILENAMES: manifests };
  return execFileSync(process.execPath, [main, "devices"], { encoding: "utf8", env })
    .trimEnd()
    .split("\n");
}

test("devices lists nothing where there is no driver", () => {
  assert.equal(devices("/nonexistent").length, 1);
});

test("devices says which GPU computes on the CPU", {
  skip: existsSync(software) ? false : `${software} is not there`,
}, () => {
  const [header, gpu, ...more] = devices(software);
  assert.match(header ?? "", /^gpu +name +driver +buffers to +verdict$/);
  assert.match(
    gpu ?? "",
    /^0 +SwiftShader Device.* \d+ MiB +computes on the CPU: only with --allow/,
  );
  assert.deepEqual(more, []);
});
