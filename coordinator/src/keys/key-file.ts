/** A file of API keys: how clients are named where nobody makes keys with a command. Only hashes stay in memory. */
import { hash } from "node:crypto";
import { isOwnName } from "./names.ts";

/** A line of the file. */
export interface FileKey {
  readonly name: string;
  /** SHA-256 of the key in base64. */
  readonly hash: string;
}

/**
 * Parses a key file: one client a line, `name key`, blank lines and lines that begin with # skipped.
 * @throws Error naming the line that is neither.
 */
export function parseApiKeys(text: string): readonly FileKey[] {
  const keys: FileKey[] = [];
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
    if (isOwnName(name)) {
      throw new Error(
        `API key file, line ${index + 1}: "${name}" means something of ours; name the client otherwise`,
      );
    }
    keys.push({ name, hash: hashOf(key) });
  }
  if (keys.length === 0) {
    throw new Error("API key file: it has no keys, so nobody could call");
  }
  return keys;
}

/** Looking a hash up takes the same time for every wrong key. */
export function hashOf(key: string): string {
  return hash("sha256", key, "base64");
}
