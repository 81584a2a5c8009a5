/** Prints the SHA-256 of the PLY of each request of `hashes.json`, in a process of its own; see generate.test.ts. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { writePly } from "@turntable/splat";
import { z } from "zod";
import { generate } from "./generate.ts";
import { qualities } from "./quality.ts";

const file = new URL("./hashes.json", import.meta.url);
const cases = z
  .array(
    z.object({
      prompt: z.string(),
      seed: z.number(),
      splats: z.number(),
      quality: z.enum(qualities),
    }),
  )
  .parse(JSON.parse(readFileSync(file, "utf8")));
const hashed = cases.map((request) => ({
  ...request,
  sha256: createHash("sha256")
    .update(writePly(generate(request).splat))
    .digest("hex"),
}));
process.stdout.write(`${JSON.stringify(hashed, undefined, 2)}\n`);
