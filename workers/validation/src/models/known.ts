/** Models that can be fetched by name: the manifest in resources/models. */
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { ModelError } from "../score/index.ts";

const pathInRepository = z.string().regex(/^(?!.*\.\.)[\w-][\w./-]*$/);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const entrySchema = z.strictObject({
  description: z.string(),
  /** `owner/name` at the hub. */
  repository: z.string().regex(/^[\w.-]+\/[\w.-]+$/),
  revision: z.string().regex(/^[\w.-]+$/),
  graphs: z.array(pathInRepository).min(1),
  /** By file; what is not named here is pinned when it is first fetched. */
  sha256: z.record(pathInRepository, sha256).default({}),
});

const manifestSchema = z.record(z.string().regex(/^[a-z0-9-]+$/), entrySchema);

export interface KnownModel extends z.infer<typeof entrySchema> {
  readonly name: string;
  /** All that is fetched, small ones first. */
  readonly files: readonly string[];
}

const smallFiles = ["config.json", "preprocessor_config.json", "tokenizer.json"];
const manifestFile = new URL("../../../../resources/models/known.json", import.meta.url);

/** @throws ModelError when the manifest is wrong */
export async function readKnownModels(
  file: string | URL = manifestFile,
): Promise<readonly KnownModel[]> {
  const parsed = manifestSchema.safeParse(JSON.parse(await readFile(file, "utf8")));
  if (!parsed.success) {
    throw new ModelError("configuration", `${file}: ${z.prettifyError(parsed.error)}`);
  }
  return Object.entries(parsed.data).map(([name, model]) => ({
    ...model,
    name,
    files: [...smallFiles, ...model.graphs],
  }));
}
