// Repairs what npm's own install scripts cannot, and never fails the installation.
//
// `gl` is a native add-on that npm would build for the Node that runs npm; we run another one (the `node`
// package). So package.json switches gl's install script off and we build it here for the right Node.
// Without gl everything works but the `gl` render backend, so a failed build is a warning. ANGLE, which gl carries,
// looks for the Vulkan loader in its own folder alone, so the system's is linked there.
//
// The rasteriser's innermost loop is compiled here as well, for the same reason: it has to fit this machine.
import { spawnSync } from "node:child_process";
import { existsSync, lstatSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildCells } from "./build-cells.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const nodePackages = [
  `node-linux-${process.arch}`,
  join("node", "node_modules", `node-linux-${process.arch}`),
];
const nodeDir = nodePackages.map((name) => join(root, "node_modules", name)).find(existsSync);
const nodeBinary = join(root, "node_modules", "node", "bin", "node");
const glDir = join(root, "node_modules", "gl");

const vulkanLoader = [
  "/usr/lib/x86_64-linux-gnu",
  "/usr/lib/aarch64-linux-gnu",
  "/usr/lib64",
  "/usr/lib",
]
  .map((folder) => join(folder, "libvulkan.so.1"))
  .find(existsSync);

const failure = buildCells();
if (failure !== undefined) {
  console.warn(
    `turntable: the rasteriser's loop for AVX2 could not be built (it needs g++); WebAssembly draws the same, slower.\n${failure}`,
  );
}

if (process.env.TURNTABLE_SKIP_GL === undefined && existsSync(glDir) && existsSync(nodeBinary)) {
  buildGl();
  linkVulkan();
}

function linkVulkan() {
  const folder = join(glDir, "build", "Release");
  const link = join(folder, "libvulkan.so.1");
  if (vulkanLoader === undefined || !existsSync(folder) || existsSync(link)) {
    return;
  }
  try {
    // One that points nowhere does not "exist".
    if (lstatSync(link, { throwIfNoEntry: false }) !== undefined) {
      rmSync(link);
    }
    symlinkSync(vulkanLoader, link);
  } catch (error) {
    console.warn(`turntable: ${link} could not be made; the gl backend is off. ${error.message}`);
  }
}

function buildGl() {
  const loads = spawnSync(nodeBinary, ["-e", "require('gl')"], { cwd: root, stdio: "ignore" });
  if (loads.status === 0) {
    return;
  }
  if (nodeDir === undefined) {
    console.warn(
      "turntable: gl was not built (no Node headers for this platform); the gl backend is off",
    );
    return;
  }
  console.log("turntable: building the gl add-on for the project's own Node (half a minute)");
  const build = spawnSync("npm", ["run", "install"], {
    cwd: glDir,
    encoding: "utf8",
    env: {
      ...process.env,
      PATH: `${join(root, "node_modules", ".bin")}:${process.env.PATH}`,
      npm_config_nodedir: nodeDir,
    },
  });
  if (build.status === 0) {
    return;
  }
  const tail = `${build.stdout}\n${build.stderr}`.trim().split("\n").slice(-5).join("\n");
  console.warn(
    `turntable: gl could not be built (it needs g++, make and python3); the gl backend is off.\n${tail}`,
  );
}
