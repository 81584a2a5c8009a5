/** API keys: who may call, told apart by name. Only hashes stay in memory. */
import { hash } from "node:crypto";

export interface ApiKeys {
  /** The name of whose key this is; undefined when it is nobody's. */
  nameOf(key: string): string | undefined;
}

/** Tasks and callers that are nobody's key bear these names: a key of the same would see what is theirs. */
const ownNames = new Set(["synthetic", "organic", "anonymous"]);

/**
 * Parses a key file: one client a line, `name key`, blank lines and lines that begin with # skipped.
 * @throws Error naming the line that is neither.
 */
export function parseApiKeys(text: string): ApiKeys {
  const names = new Map<string, string>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(#|$)/.test(line)) {
      continue;
    }
    const [name, key, ...rest] = line.trim().split(/\s+/);
    if (name === undefined || key === undefined || rest.length > 0 || key.length < 16) {
      throw new Error(
        `API key file, line ${index + 1}: expected "name key" with a key of at least 16 characters`,
      );
    }
    if (ownNames.has(name)) {
      throw new Error(
        `API key file, line ${index + 1}: "${name}" means something of ours; name the client otherwise`,
      );
    }
    names.set(hashOf(key), name);
  }
  if (names.size === 0) {
    throw new Error("API key file: it has no keys, so nobody could call");
  }
  return { nameOf: (key) => names.get(hashOf(key)) };
}

/** Looking a hash up takes the same time for every wrong key. */
function hashOf(key: string): string {
  return hash("sha256", key, "base64");
}
