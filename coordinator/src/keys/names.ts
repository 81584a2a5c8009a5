/** Names of clients. */

/** Tasks and callers that are nobody's key bear these names: a key of the same would see what is theirs. */
const ownNames = new Set(["synthetic", "organic", "anonymous"]);
/** Callers that sign with a wallet are named by their hotkey, ss58. */
const hotkey = /^5[1-9A-HJ-NP-Za-km-z]{47}$/;

/** Whether a key of this name would be taken for somebody else. */
export function isOwnName(name: string): boolean {
  return ownNames.has(name) || hotkey.test(name);
}
