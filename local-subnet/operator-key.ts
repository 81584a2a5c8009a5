/** The operator's API key of a local subnet: AdminService over HTTP wants one, also on loopback. */
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { AdminClient } from "@turntable/client/admin";
import { ApiKeyScope } from "@turntable/proto";

/** The scopes of everything: a page sends the same key with all that it asks. */
const scopes = [ApiKeyScope.GENERATE, ApiKeyScope.SCORE, ApiKeyScope.READ_ALL, ApiKeyScope.ADMIN];
const pageSize = 500;

/** Where the key of this folder is; its owner alone may read it. */
export const operatorKeyFile = (dir: string): string => join(dir, "operator.key");

/**
 * The key of this folder while the coordinator knows it, so that an address that somebody kept goes on working; a new
 * one otherwise.
 */
export async function ensureOperatorKey(dir: string, admin: AdminClient): Promise<string> {
  const file = operatorKeyFile(dir);
  const kept = await readIfThere(file);
  if (kept !== undefined && (await isKnown(kept, admin))) {
    return kept;
  }
  const { secret } = await admin.createApiKey({ name: "operator", scopes });
  // Under a new name first: a file that was there keeps its mode when it is written.
  await writeFile(`${file}.new`, `${secret}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
  return secret;
}

/** The page of a coordinator for this key: a fragment stays in the browser, no server and no log learns it. */
export const operatorPage = (http: string, key: string): string => `http://${http}/#key=${key}`;

/** Whether a key has this secret, which begins with the key's id. */
async function isKnown(secret: string, admin: AdminClient): Promise<boolean> {
  let pageToken = "";
  do {
    const page = await admin.listApiKeys({ pageSize, pageToken });
    if (page.keys.some(({ id }) => secret.startsWith(`${id}_`))) {
      return true;
    }
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return false;
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, "utf8")).trim();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") {
      return undefined;
    }
    throw error;
  }
}
