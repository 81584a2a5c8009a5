/** Writes the numbers of render/constants.ts for AssemblyScript and WGSL; with --check only compares. */
import { readFileSync, writeFileSync } from "node:fs";
import * as constants from "../render/constants.ts";

const origin =
  "Made of render/constants.ts by `npm run generate`, where each number's meaning and source stand.";

/** Name and value of each; those of a list get its name and their place in it. */
function flat(): readonly (readonly [string, number])[] {
  return Object.entries(constants).flatMap(([name, value]) =>
    typeof value === "number"
      ? [[name, value] as const]
      : value.map((each, index) => [`${name}_${index}`, each] as const),
  );
}

/** The headers as they should be. */
export function constantHeaders(): readonly { readonly file: URL; readonly text: string }[] {
  const script = flat().map(
    ([name, value]) => `// @ts-ignore: decorator\n@inline export const ${name}: f64 = ${value};\n`,
  );
  const shader = flat().map(([name, value]) => `const ${name} = ${value};\n`);
  return [
    {
      file: new URL("../render/cpu/kernel/constants.as", import.meta.url),
      text: `/** ${origin} */\n\n${script.join("")}`,
    },
    {
      file: new URL("../render/webgpu/shaders/constants.wgsl", import.meta.url),
      text: `// ${origin}\n\n${shader.join("")}`,
    },
  ];
}

export function writeConstantHeaders(): void {
  for (const { file, text } of constantHeaders()) {
    writeFileSync(file, text);
  }
}

if (import.meta.main && process.argv.includes("--check")) {
  const stale = constantHeaders().filter(({ file, text }) => readFileSync(file, "utf8") !== text);
  for (const { file } of stale) {
    console.error(`${file.pathname} is not up to date; run: npm run generate`);
  }
  if (stale.length > 0) {
    process.exitCode = 1;
  }
} else if (import.meta.main) {
  writeConstantHeaders();
}
